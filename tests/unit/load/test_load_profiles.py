"""Where to build: which profiles.yml counts, which output of it, and what is said when there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ConfigError, Problem, ProfileError
from orchestrator.core.project import Secret, Settings, Target
from orchestrator.load.profiles import Profiles, choose_target, find_profiles
from orchestrator.load.yaml import read_yaml

SHOP = Settings("shop", profile="shop", own=False, origin="dbt_project.yml")
TEXT = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: data/dev.duckdb, threads: 2}
    prod:
      type: postgres
      host: db
      dbname: warehouse
      schema: analytics
      user: "{{ env_var('USER') }}"
      password: "{{ env_var('PGPASSWORD') }}"
      role: "{{ env_var('DBT_ENV_SECRET_ROLE') }}"
    cloud: {type: bigquery, project: p1, dataset: d1, keyfile_json: {client_email: a, private_key: k}}
"""


def profiles(text: str = TEXT, *, near: bool = True) -> Profiles:
    return Profiles(read_yaml("profiles.yml", text.encode()), near)


def choose(text: str = TEXT, settings: Settings = SHOP, *, near: bool = True, **asked: Any) -> Target:
    target, warnings = choose_target(profiles(text, near=near), settings, lambda t: f"<{t}>", **asked)
    assert not warnings
    return target


def refused(text: str = TEXT, settings: Settings = SHOP, **asked: Any) -> tuple[str, str, str | None]:
    with pytest.raises(ProfileError) as caught:
        choose_target(profiles(text), settings, lambda t: t, **asked)
    return str(caught.value.first.span), caught.value.first.message, caught.value.first.hint


PLACES = ("argument", "orc", "dbt", "project", "home/.dbt")


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_first_place_that_is_named_or_has_one_wins(first: int, tmp_path: Path) -> None:
    for place in PLACES[first:]:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "profiles.yml").write_text(f"from_{place.split('/')[0]}: {{}}")
    env = {"HOME": str(tmp_path / "home")}
    if first <= 1:
        env["ORC_PROFILES_DIR"] = str(tmp_path / "orc")
    if first <= 2:
        env["DBT_PROFILES_DIR"] = str(tmp_path / "dbt")
    found = find_profiles(tmp_path / "project", tmp_path / "argument" if first == 0 else None, env)
    assert found is not None
    assert found.names == (f"from_{PLACES[first].split('/')[0]}",)
    assert found.near == (first < 4)


def test_a_named_folder_without_one_is_an_error(tmp_path: Path) -> None:
    for argument, env, name in ((tmp_path, {}, "--profiles-dir"), (None, {"ORC_PROFILES_DIR": str(tmp_path)}, "ORC_PROFILES_DIR")):
        with pytest.raises(ProfileError) as caught:
            find_profiles(tmp_path, argument, env)
        assert caught.value.first.message == f"no profiles.yml in `{tmp_path}`, which {name} names"


def test_none_anywhere_is_the_embedded_file(tmp_path: Path) -> None:
    assert find_profiles(tmp_path, None, {"HOME": str(tmp_path)}) is None
    target, warnings = choose_target(None, Settings("shop"), str)
    assert (target.type, target.database, target.schema, target.threads, target.implicit) == ("duckdb", "warehouse", "main", 4, True)
    assert target.settings["path"] == "warehouse.duckdb"
    assert warnings == ()


def test_a_project_that_names_a_profile_is_told_where_it_builds() -> None:
    _, (warning,) = choose_target(None, SHOP, str)
    assert (warning.severity, warning.message) == ("warning", "no profiles.yml with the profile `shop`: building in warehouse.duckdb")


def test_a_profile_asked_for_must_exist() -> None:
    with pytest.raises(ProfileError, match="the profile `x` does not exist: there is no profiles"):
        choose_target(None, SHOP, str, profile="x")


def test_the_default_output_and_its_names() -> None:
    target = choose()
    assert (target.name, target.type, target.database, target.schema, target.threads) == ("dev", "duckdb", "dev", "main", 2)
    assert (choose(threads=7).threads, choose(target="prod").threads) == (7, 1)
    assert (choose(target="cloud").database, choose(target="cloud").schema) == ("p1", "d1")


def test_only_the_chosen_output_is_rendered() -> None:
    def refuse(text: str) -> object:
        raise ConfigError(Problem("R001", f"{text} is not set"))

    assert choose_target(profiles(), SHOP, refuse)[0].name == "dev"
    with pytest.raises(ProfileError) as caught:
        choose_target(profiles(), SHOP, refuse, target="prod")
    assert [str(p.span) for p in caught.value.problems] == [f"profiles.yml:{line}:1" for line in (11, 12, 13)]


def test_secrets_do_not_show() -> None:
    prod = choose(target="prod")
    assert prod.settings["user"] == "<{{ env_var('USER') }}>"
    assert isinstance(prod.settings["password"], Secret)
    assert prod.settings["password"].reveal() == "<{{ env_var('PGPASSWORD') }}>"
    assert isinstance(prod.settings["role"], Secret)
    assert "PGPASSWORD" not in repr(prod)
    keyfile = choose(target="cloud").settings["keyfile_json"]
    assert (keyfile["client_email"], repr(keyfile["private_key"])) == ("a", "****")


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "pass",
        "token",
        "private_key",
        "private_key_passphrase",
        "client_secret",
        "refresh_token",
        "secret",
        "motherduck_token",
        "keyfile_json",
    ],
)
def test_keys_that_hold_secrets(key: str) -> None:
    assert isinstance(choose(f"shop: {{outputs: {{dev: {{type: duckdb, {key}: hunter2}}}}}}").settings[key], Secret)


@pytest.mark.parametrize("key", ["path", "token_uri", "key_id", "user", "keyfile", "sslkey", "private_key_id"])
def test_keys_that_do_not(key: str) -> None:
    assert not isinstance(choose(f"shop: {{outputs: {{dev: {{type: duckdb, {key}: shown}}}}}}").settings[key], Secret)


def test_a_home_profile_is_never_guessed() -> None:
    """A folder without any configuration must not build into somebody's production."""
    nameless = Settings("other")
    assert choose(settings=nameless, near=False).implicit
    assert choose(settings=nameless, near=True).profile == "shop"
    assert choose(settings=replace(nameless, name="shop"), near=False).profile == "shop"


BAD: dict[str, tuple[str, Settings, dict[str, Any], tuple[str, str, str | None]]] = {
    "profile": (TEXT, SHOP, {"profile": "shpo"}, ("profiles.yml:1:1", "the profile `shpo` is not in profiles.yml", "did you mean `shop`?")),
    "far off": (TEXT, SHOP, {"profile": "zzz"}, ("profiles.yml:1:1", "the profile `zzz` is not in profiles.yml", "it has: shop")),
    "target": (TEXT, SHOP, {"target": "prd"}, ("profiles.yml:4:1", "the profile `shop` has no target `prd`", "did you mean `prod`?")),
    "no default": (
        "shop:\n  outputs: {a: {type: duckdb}, b: {type: duckdb}}",
        SHOP,
        {},
        ("profiles.yml:2:1", "the profile `shop` has no target `default`", "it has: a, b"),
    ),
    "no outputs": (
        "shop: {target: dev}",
        SHOP,
        {},
        ("profiles.yml:1:1", "the profile `shop` needs `outputs`", "outputs: {dev: {type: duckdb, path: warehouse.duckdb}}"),
    ),
    "engine": (
        "shop:\n  outputs:\n    dev:\n      type: postgre",
        SHOP,
        {},
        ("profiles.yml:4:1", "`postgre` is not an engine orc knows", "did you mean `postgres`?"),
    ),
    "no type": (
        "shop:\n  outputs:\n    dev: {path: x}",
        SHOP,
        {},
        ("profiles.yml:3:1", "the output `dev` needs the key `type`", "one of duckdb, postgres, bigquery"),
    ),
    "no schema": (
        "shop:\n  outputs:\n    dev: {type: postgres}",
        SHOP,
        {},
        ("profiles.yml:3:1", "the output `dev` needs the key `schema`", "the schema that models are built in"),
    ),
    "threads": (
        "shop:\n  outputs:\n    dev: {type: duckdb, threads: 0}",
        SHOP,
        {},
        ("profiles.yml:3:1", "`threads` must be 1 or more, not 0", None),
    ),
    "undecided": (
        "a: {}\nb: {}",
        Settings("shop"),
        {},
        (
            "profiles.yml:1:1",
            "the project does not say which profile of profiles.yml to use",
            "set `profile` in the project file, or pass --profile: a, b",
        ),
    ),
}


@pytest.mark.parametrize(("text", "settings", "asked", "expected"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_place(
    text: str, settings: Settings, asked: dict[str, Any], expected: tuple[str, str, str | None]
) -> None:
    assert refused(text, settings, **asked) == expected


@pytest.mark.parametrize(
    ("path", "database"),
    [(":memory:", "memory"), ("a/b.duckdb", "b"), ("md:shop", "shop"), ("md:shop?token=x", "shop"), ("C:\\x\\y.db", "y")],
)
def test_the_database_of_a_file(path: str, database: str) -> None:
    assert choose(f"shop: {{outputs: {{dev: {{type: duckdb, path: '{path}'}}}}}}").database == database


def test_bad_yaml_is_a_profile_error(tmp_path: Path) -> None:
    (tmp_path / "profiles.yml").write_text("a: 1\na: 2")
    with pytest.raises(ProfileError, match="written twice"):
        find_profiles(tmp_path, None, {})
