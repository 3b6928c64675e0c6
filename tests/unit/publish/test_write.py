"""Artifacts on disk: whole or as they were, below the target folder and nowhere else."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.errors import StoreError
from orchestrator.core.node import Node
from orchestrator.core.project import Secret
from orchestrator.publish.layout import compiled_path, safe
from orchestrator.publish.write import write


def test_files_are_written_with_their_folders_and_nothing_else_is_left(tmp_path: Path) -> None:
    assert write({"a.json": "{}", "compiled/p/é.sql": "select 'ü'"}, tmp_path / "target") == ("a.json", "compiled/p/é.sql")
    assert (tmp_path / "target/compiled/p/é.sql").read_text(encoding="utf-8") == "select 'ü'"
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["a.json", "é.sql"]


def test_what_did_not_change_is_left_alone(tmp_path: Path) -> None:
    write({"a": "one", "b": "two"}, tmp_path)
    before = (tmp_path / "a").stat()
    assert write({"a": "one", "b": "new"}, tmp_path) == ("b",)
    assert (tmp_path / "a").stat().st_ino == before.st_ino
    assert (tmp_path / "b").read_text() == "new"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "", "c:/x", "a\\..\\x", "a\0b"])
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError) as caught:
        write({name: "x"}, tmp_path / "target")
    assert caught.value.first.code == "S006"
    assert list(tmp_path.rglob("*")) == []


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    write({"a": "old"}, tmp_path)

    def full() -> Iterator[str]:
        yield "new"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="disk is full"):
        write({"a": full()}, tmp_path)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old"}


def test_a_folder_in_the_way_is_an_explained_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(StoreError) as caught:
        write({"a": "x"}, tmp_path)
    assert "target-path" in (caught.value.first.hint or "")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_secrets_are_starred_out_also_where_json_escaped_them(tmp_path: Path) -> None:
    write({"a.json": '{"dsn": "pw=hun\\"ter2", "other": "s3cret!"}'}, tmp_path, [Secret('hun"ter2'), Secret("s3cret!"), Secret("ab")])
    assert (tmp_path / "a.json").read_text() == '{"dsn": "pw=****", "other": "****"}'


@pytest.mark.parametrize("part", ["..", ".", "a/b", "a\\b", "a:b", "x" * 300 + ".sql", "\0", " ", "語" * 100 + ".sql"])
def test_every_name_becomes_a_harmless_one(part: str) -> None:
    made = safe(part)
    assert made == safe(made)
    assert made.strip(". ")
    assert not set(made) & set('/\\:\0<>"|?*')
    assert len(made.encode()) <= 200


def test_names_that_needed_changing_stay_apart() -> None:
    assert len({safe(p) for p in ("a/b", "a:b", "a_b", "a\\b")}) == 4


def test_a_nodes_path_cannot_climb(tmp_path: Path) -> None:
    path = compiled_path(Node("test.p.t.1", "test", "../../t", "p", "../models/schema.yml", (), {}, test_name="not_null"))
    assert write({path: "x"}, tmp_path) == (path,)
    assert not any(part in ("..", ".") for part in path.split("/"))
