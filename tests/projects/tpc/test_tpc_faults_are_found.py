"""A fault put into TPC-H's and TPC-DS's queries is found, in the query it was put into, at its place, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects.tpc.conftest import PROJECTS, Tpc, copied, duckdb_target
from tests.projects.tpc.understood import Change, Understood, mistyped, narrowed, renamed, tables, understood

pytestmark = pytest.mark.parametrize("name", PROJECTS)


@pytest.fixture
def copy(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Tpc:
    """A project to break. All its models are broken at once: what is found in one must not come from another."""
    return copied(name, tmp_path, duckdb_target(tmp_path), monkeypatch)


def broken(tpc: Tpc, how: Callable[[str, str], Change | None]) -> tuple[dict[str, str], Understood]:
    """What was written where, by model, and what is then understood."""
    changes = {}
    for path in tpc.models:
        text = path.read_text(encoding="utf-8")
        change = how(path.stem, text)
        if change is not None:
            changes[path.stem] = change.by
            path.write_text(change.made(text), encoding="utf-8")
    return changes, understood(tpc.root)


def test_a_column_that_does_not_exist(copy: Tpc) -> None:
    columns = {column for table in tables(copy.root).values() for column, _ in table}
    changes, found = broken(copy, lambda name, text: renamed(name, text, columns))
    assert changes.keys() == {path.stem for path in copy.models}
    told = {name: {(code, place.rpartition(".")[2]) for code, place in said} for name, said in found.said().items()}
    assert told == {name: {("S101", by)} for name, by in changes.items()}


def test_a_join_key_of_another_type(copy: Tpc) -> None:
    sources = tables(copy.root)
    changes, found = broken(copy, lambda name, text: mistyped(name, text, sources))
    told = found.said()
    assert told.keys() <= changes.keys()
    for name, said in told.items():
        assert [(code, changes[name] in place) for code, place in said] == [("S202", True)], (name, changes[name], said)
    swapped, seen = MISTYPED[copy.name]
    assert len(changes) == swapped
    assert len(told) >= seen, changes.keys() - told.keys()


MISTYPED = {"tpch": (19, 12), "tpcds": (96, 19)}
"""How many keys can be given another type, and how many of those must be found: the ones that are compared in ON, not yet those in WHERE."""


def test_a_set_operation_whose_branches_differ_in_width(copy: Tpc) -> None:
    changes, found = broken(copy, lambda name, text: narrowed(text))
    assert len(changes) == {"tpch": 0, "tpcds": 18}[copy.name]
    assert {name: {code for code, _ in said} for name, said in found.said().items()} == {name: {"S103"} for name in changes}
