"""What a comparison says of random tables is what a few lines of Python say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters import registry
from orchestrator.app.compare.difference import difference
from orchestrator.core.difference import Difference, Key, Terms
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection, Dialect
from orchestrator.core.project import Target

Row = tuple[Any, ...]
NAMES = ("k", "j", "a", "b")
TYPES = ("integer", "varchar", "double", "varchar")

rows = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 4)),
        st.one_of(st.none(), st.sampled_from(["", "x", "y"])),
        st.one_of(st.none(), st.sampled_from([0.0, 0.5, -1.25, 1e300])),
        st.one_of(st.none(), st.sampled_from(["", "a", "A", "null", "'", "é"])),
    ),
    max_size=8,
)


@pytest.fixture(scope="module", autouse=True)
def small_portions() -> Iterator[None]:
    """Buckets of a row, few rows at a time: what a large table needs many of, these tables need two of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestrator.plan.diff.apart.ROWS", 2)
        patch.setattr("orchestrator.app.compare.apart.HELD", 5)
        patch.setattr("orchestrator.app.compare.apart.ASKED", 1)
        yield


@pytest.fixture(scope="module")
def session() -> Iterator[tuple[Connection, Dialect]]:
    warehouse = registry.warehouse(Target("p", "dev", "duckdb", None, "main", 1, {"path": ":memory:"}), "/")
    yield warehouse.connect(), warehouse.dialect
    warehouse.close()


class Far:
    """The same session under another identity."""

    def __init__(self, session: Connection) -> None:
        self.session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


def table(connection: Connection, dialect: Dialect, name: str, given: list[Row]) -> Relation:
    listed = ", ".join(f"{n} {t}" for n, t in zip(NAMES, TYPES, strict=True))
    connection.execute(f"create or replace table {name} ({listed})")
    if given:
        values = ", ".join(f"({', '.join(map(dialect.literal, row))})" for row in given)
        connection.execute(f"insert into {name} values {values}")
    return Relation(None, None, name)


def compared(
    session: tuple[Connection, Dialect], before: list[Row], after: list[Row], keys: list[Key], terms: Terms, *, apart: bool = False
) -> Difference:
    """``apart``: as if no session saw both sides."""
    connection, dialect = session
    sides = table(connection, dialect, "before_side", before), table(connection, dialect, "after_side", after)
    found = difference(connection, dialect, *sides, keys, terms, there=Far(connection) if apart else None)
    assert isinstance(found, Difference), found
    return found


def unique(given: list[Row], key: int) -> dict[Row, Row]:
    """Rows by their key, those left out whose key has a null or is there again."""
    times = Counter(row[:key] for row in given)
    return {row[:key]: row for row in given if None not in row[:key] and times[row[:key]] == 1}


def twice(given: list[Row], key: int) -> set[Row]:
    times = Counter(row[:key] for row in given if None not in row[:key])
    return {k for k, n in times.items() if n > 1}


@settings(max_examples=160, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=rows, after=rows, key=st.sampled_from([1, 2]), limit=st.integers(0, 3), apart=st.booleans())
def test_matched_rows(session: tuple[Connection, Dialect], before: list[Row], after: list[Row], key: int, limit: int, apart: bool) -> None:
    found = compared(session, before, after, [Key(NAMES[:key], "--on")], Terms(limit=limit), apart=apart)
    assert (found.rows_before, found.rows_after) == (len(before), len(after))
    if Counter(before) == Counter(after):
        assert found.how == "identical"
        assert not found.differs
        return
    assert found.differs
    loose = twice(before, key) | twice(after, key)
    old = {k: r for k, r in unique(before, key).items() if k not in loose}
    new = {k: r for k, r in unique(after, key).items() if k not in loose}
    both = old.keys() & new.keys()
    changed = {k for k in both if old[k] != new[k]}
    assert (found.added, found.removed) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
    assert (found.changed, found.same) == (len(changed), len(both) - len(changed))
    assert (found.duplicates_before, found.duplicates_after) == (len(twice(before, key)), len(twice(after, key)))
    assert (found.unmatched_before, found.unmatched_after) == (len(before) - len(old), len(after) - len(new))
    place = {name: at for at, name in enumerate(NAMES)}
    for column in found.columns:
        at = place[column.name]
        differing = sorted(k for k in both if old[k][at] != new[k][at])
        assert (column.compared, column.equal) == (len(both), len(both) - len(differing))
        assert column.samples == tuple((k, old[k][at], new[k][at]) for k in differing[:limit])
        assert column.before is not None
        assert column.before.nulls == sum(row[at] is None for row in before)
    assert found.samples_added == tuple(new[k] for k in sorted(new.keys() - old.keys())[:limit])
    assert found.samples_removed == tuple(old[k] for k in sorted(old.keys() - new.keys())[:limit])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=rows, after=rows)
def test_without_being_told_a_key(session: tuple[Connection, Dialect], before: list[Row], after: list[Row]) -> None:
    found = compared(session, before, after, [], Terms())
    old, new = Counter(before), Counter(after)
    assert found.differs == (old != new)
    if found.how == "counted":
        assert (found.removed, found.added) == ((old - new).total(), (new - old).total())
        assert found.same == (old & new).total()
    elif found.how == "exact":
        at = [NAMES.index(name) for name in found.key]
        for side in (before, after):  # what was found to be a key is one
            keys = [tuple(row[i] for i in at) for row in side]
            assert len(set(keys)) == len(keys)
            assert not any(None in k for k in keys)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=rows, after=rows, percent=st.sampled_from([10.0, 50.0, 90.0]))
def test_a_sample_never_finds_what_is_not_there(
    session: tuple[Connection, Dialect], before: list[Row], after: list[Row], percent: float
) -> None:
    keys = [Key(("k",), "--on")]
    whole, part = (compared(session, before, after, keys, Terms(percent=p)) for p in (None, percent))
    for what in ("added", "removed", "changed", "same"):
        assert getattr(part, what) <= getattr(whole, what)
