"""Secrets are in no file, no output and no state, whatever goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project, Result

ENV = "canary-in-the-environment"
OURS = "canary-of-our-own"
WRITTEN = "canary-in-the-profile"
CANARIES = (ENV, OURS, WRITTEN)
VARIABLES = {"DBT_ENV_SECRET_TOKEN": ENV, "ORC_SECRET_TOKEN": OURS}

PROFILE = f"""
    shop:
      target: dev
      outputs:
        dev:
          type: duckdb
          path: warehouse.duckdb
          attach:
            - {{path: other.duckdb, alias: other, encryption_key: {WRITTEN}}}
          config_options:
            force_mbedtls_unsafe: true  # the safe one comes with an extension, from the network
            custom_user_agent: "{{{{ env_var('DBT_ENV_SECRET_TOKEN') }}}} {{{{ env_var('ORC_SECRET_TOKEN') }}}}"
    """

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "models/m.sql": "select 1 as x",
    "models/agent.sql": "{{ config(materialized='ephemeral') }} select current_setting('custom_user_agent') as agent",
}


def leaks(p: Project, *results: Result) -> list[str]:
    """Where a secret shows: files by name (the profile, where its author wrote it, excepted), streams."""
    found = []
    for file in sorted(p.root.rglob("*")):
        if file.is_file() and file.name != "profiles.yml":
            content = file.read_bytes()
            found += [f"{file.relative_to(p.root)}: {c}" for c in CANARIES if c.encode() in content]
    for result in results:
        found += [f"stdout: {c}" for c in CANARIES if c in result.stdout]
        found += [f"stderr: {c}\n{result.stderr}" for c in CANARIES if c in result.stderr]
    return found


def shop(project: Make, **more: str) -> Project:
    p = project({**FILES, "profiles.yml": PROFILE, **more})
    p.environment.update(VARIABLES)
    return p


@pytest.mark.parametrize("flags", [(), ("--debug",), ("--log-format", "json"), ("--debug", "--log-format", "json")])
def test_a_run_that_works(project: Make, flags: tuple[str, ...]) -> None:
    p = shop(project)
    done = p.orc("build", *flags).exits(0)
    assert (
        leaks(p, done, p.orc("compile"), p.orc("ls", "--output", "json"), p.orc("runs", "show"), p.orc("debug"), p.orc("debug", "--debug"))
        == []
    )


USES = "{{ env_var('DBT_ENV_SECRET_TOKEN') }}"


@pytest.mark.parametrize("flags", [(), ("--debug",)])
@pytest.mark.parametrize(
    "files",
    [
        {"models/m.sql": f"select '{USES}' as x"},
        {"models/m.sql": "{{ config(meta={'token': env_var('ORC_SECRET_TOKEN')}) }} select 1 as x"},
        {
            "macros/m.sql": "{% macro token() %}{{ env_var('ORC_SECRET_TOKEN') }}{% endmacro %}",
            "models/m.sql": "select '{{ token() }}' as x",
        },
        {"dbt_project.yml": f'name: shop\nprofile: shop\non-run-start: "select {USES}"\n'},
        {"models/s.yml": f'models:\n  - name: m\n    description: "{USES}"\n'},
    ],
)
def test_templates_may_not_use_secrets(project: Make, files: dict[str, str], flags: tuple[str, ...]) -> None:
    p = shop(project, **files)
    done = p.orc("build", *flags)
    assert leaks(p, done, p.orc("runs", "show"), p.orc("parse", *flags), p.orc("retry", *flags)) == []
    if "models/s.yml" not in files:
        assert "it may be used in profiles.yml only" in done.stderr


@pytest.mark.parametrize("flags", [(), ("--debug",), ("--log-format", "json")])
@pytest.mark.parametrize(
    "model",
    [
        "select cast(current_setting('custom_user_agent') as integer) as x",
        "{{ config(materialized='table') }} select cast(agent as integer) as x from agent",
        "{{ config(materialized='table') }} select error(agent) as x from agent",
    ],
)
def test_an_engine_that_quotes_a_secret(project: Make, model: str, flags: tuple[str, ...]) -> None:
    """The warehouse's own messages may hold what it was configured with; they are masked like all else."""
    p = shop(project, **{"models/m.sql": "{{ config(materialized='table') }}" + model})
    done = p.orc("build", *flags).exits(1)
    assert "****" in done.stderr
    assert leaks(p, done, p.orc("runs", "show"), p.orc("retry", *flags)) == []


@pytest.mark.parametrize("flags", [(), ("--debug",)])
def test_operations_and_inline_queries(project: Make, flags: tuple[str, ...]) -> None:
    p = shop(
        project,
        **{
            "macros/peek.sql": """
                {% macro peek() %}
                  {{ log(target, info=true) }}
                  {% do run_query("select error(current_setting('custom_user_agent'))") %}
                {% endmacro %}
                """
        },
    )
    done = p.orc("run-operation", "peek", *flags)
    assert done.code in (1, 2)
    assert "****" in done.stderr
    assert leaks(p, done, p.orc("show", "--inline", "select cast(current_setting('custom_user_agent') as integer) as x", *flags)) == []


def test_python_models(project: Make) -> None:
    p = shop(
        project,
        **{
            "models/m.py": "import os\n\n\ndef model(ctx):\n    print(os.environ['ORC_SECRET_TOKEN'])\n    raise ValueError(os.environ['DBT_ENV_SECRET_TOKEN'])\n"
        },
    )
    p.remove("models/m.sql")
    done = p.orc("build", "--debug").exits(1)
    assert leaks(p, done) == []
    assert "KeyError: 'ORC_SECRET_TOKEN'" in done.stderr  # user code does not inherit secrets


def test_variables_that_hold_a_secret(project: Make) -> None:
    p = shop(project)
    done = p.orc("build", "--vars", f"{{token: {ENV}}}").exits(0)
    assert leaks(p, done) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("encryption_key:", "encription_key:"),
        ("type: duckdb", "type: duckdbb"),
        ("encryption_key: ", "encryption_key: {{ "),
        ("attach:", "password:"),
        ("target: dev", "target: prod"),
        ("custom_user_agent", "no_such_option"),
    ],
)
def test_a_profile_that_is_wrong(project: Make, right: str, wrong: str) -> None:
    p = shop(project, **{"profiles.yml": PROFILE.replace(right, wrong)})
    done = p.orc("build", "--debug")
    assert leaks(p, done, p.orc("debug"), p.orc("debug", "--debug")) == []
