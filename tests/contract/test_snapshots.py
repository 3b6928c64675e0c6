"""Snapshots: what a run makes of the rows it finds, on every engine; and any sequence of runs against a plain reference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import ExecuteError
from orchestrator.core.history import History, history
from orchestrator.core.snapshot import Existing
from orchestrator.execute.history import Written
from orchestrator.execute.history import history as write

if TYPE_CHECKING:
    from tests.contract.conftest import Engine

START = datetime(2024, 1, 1, tzinfo=UTC)
TIMESTAMP = {"strategy": "timestamp", "unique_key": "id", "updated_at": "ts"}
CHECK = {"strategy": "check", "unique_key": "id", "check_cols": "all"}


def hour(number: int) -> str:
    return f"timestamp '{(START + timedelta(hours=number)).replace(tzinfo=None).isoformat(' ')}'"


@dataclass
class Table:
    """One snapshot: give it the rows that a query returns, and look at its table."""

    engine: Engine
    config: Mapping[str, Any]
    name: str = "History é"
    session: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.engine.connect()

    def run(self, select: str, now: int = 100, **config: Any) -> Written:
        """What one run of the snapshot does, ``now`` hours after the start of everything."""
        dialect, session, target = self.engine.dialect, self.session, self.engine.relation(self.name)
        asked: History = history({**self.config, **config})
        session.begin()
        try:
            for statement in dialect.history_lock(target):
                session.execute(statement)
            session.execute(dialect.create_table(target.stage, select, {}))
            at = START + timedelta(hours=now)
            done = write(asked, target.stage, target, {}, at, session, dialect, session.execute)
            session.execute(dialect.drop(Existing(target.stage, "table")))
            session.commit()
        finally:
            session.rollback()
        return done

    def refuses(self, code: str, select: str, **config: Any) -> str:
        """The sentence with which a run is refused that changes nothing."""
        before = self.rows() if self.engine.find(self.engine.relation(self.name)) else None
        with pytest.raises(ExecuteError) as refused:
            self.run(select, **config)
        assert refused.value.first.code == code
        after = self.rows() if self.engine.find(self.engine.relation(self.name)) else None
        assert before == after
        return refused.value.first.message

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        target = self.engine.dialect.relation(self.engine.relation(self.name))
        return sorted(self.session.execute(f"select {columns} from {target}").rows, key=str)

    def columns(self) -> list[tuple[str, str]]:
        return list(self.session.columns(self.engine.relation(self.name)))

    def lives(self, *more: str) -> list[tuple[Any, ...]]:
        """Every version as ``(id, …, from hour, to hour)``; ``None`` is a version without end."""
        found = self.rows(", ".join(["id", *more, "dbt_valid_from", "dbt_valid_to"]))
        return sorted((*row[:-2], *map(hours, row[-2:])) for row in found)


def hours(moment: datetime | None) -> float:
    if moment is None:
        return float("inf")
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - START) / timedelta(hours=1)


NOW = float("inf")
Make = Callable[..., Table]


@pytest.fixture
def table(engine: Engine) -> Make:
    def make(config: Mapping[str, Any], **more: Any) -> Table:
        return Table(engine, {**config, **more})

    return make


def orders(*rows: tuple[Any, ...], names: str = "id, state, ts") -> str:
    values = [f"select {', '.join(f'{v} as {n}' for v, n in zip(row, names.split(', '), strict=True))}" for row in rows]
    return "\nunion all\n".join(values)


def test_a_new_table_has_the_columns_of_dbt_in_its_order(table: Make) -> None:
    t = table(TIMESTAMP, hard_deletes="new_record")
    assert t.run(orders((1, "'a'", hour(1)))).message == "SELECT 1"
    assert [name for name, _ in t.columns()] == [
        "id", "state", "ts", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_is_deleted",
    ]  # fmt: skip
    types = dict(t.columns())
    assert types["dbt_valid_from"] == types["dbt_valid_to"] == types["dbt_updated_at"] == types["ts"]
    ((*_, marked),) = t.rows()
    assert marked == "False"


def test_names_of_versions_are_those_of_dbt(table: Make) -> None:
    """The MD5 of the key's and the moment's text, as a table made by dbt has them."""
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    (name,) = t.session.execute("select md5('1|2024-01-01 01:00:00')").rows[0]
    assert t.rows("dbt_scd_id") == [(name,)]


def test_a_row_with_a_later_moment_is_a_new_version(table: Make) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1)), (2, "'a'", hour(1))))
    assert t.run(orders((1, "'b'", hour(5)), (2, "'a'", hour(1)), (3, "'new'", hour(4)))).message == "INSERT 2, UPDATE 1"
    assert t.lives("state") == [(1, "a", 1, 5), (1, "b", 5, NOW), (2, "a", 1, NOW), (3, "new", 4, NOW)]


@pytest.mark.parametrize("again", [1, 0])
def test_a_moment_that_stands_still_or_goes_back_is_no_change(table: Make, again: int) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    assert t.run(orders((1, "'b'", hour(again)))) == Written(0)
    assert t.lives("state") == [(1, "a", 1, NOW)]


@pytest.mark.parametrize(("before", "after"), [("'a'", "null"), ("null", "'a'"), ("'a'", "'b'")])
def test_check_sees_every_difference(table: Make, before: str, after: str) -> None:
    t = table(CHECK, check_cols=["state"])
    t.run(orders((1, f"cast({before} as varchar)"), names="id, state"), now=10)
    assert t.run(orders((1, f"cast({before} as varchar)"), names="id, state"), now=20) == Written(0)
    assert t.run(orders((1, f"cast({after} as varchar)"), names="id, state"), now=30) == Written(1, 1)
    assert t.lives() == [(1, 10, 30), (1, 30, NOW)]


def test_check_looks_at_the_columns_it_names_only(table: Make) -> None:
    t = table(CHECK, check_cols=["STATE"])
    t.run(orders((1, "'a'", 1), names="id, state, n"))
    assert t.run(orders((1, "'a'", 2), names="id, state, n")) == Written(0)
    assert t.rows("n") == [(1,)]


def test_check_with_updated_at_begins_a_version_at_the_rows_own_moment(table: Make) -> None:
    t = table(CHECK, check_cols=["state"], updated_at="ts")
    t.run(orders((1, "'a'", hour(1))), now=10)
    t.run(orders((1, "'b'", hour(3))), now=20)
    t.run(orders((1, "'c'", hour(3))), now=30)  # the moment stood still, the state did not
    assert t.lives("state") == [(1, "a", 1, 3), (1, "b", 3, 30), (1, "c", 30, NOW)]
    assert len({name for (name,) in t.rows("dbt_scd_id")}) == 3


def test_all_rows_of_a_run_are_of_one_instant(table: Make) -> None:
    t = table(CHECK)
    t.run(orders(*((n, "'a'") for n in range(50)), names="id, state"))
    assert len(set(t.rows("dbt_valid_from"))) == 1


@pytest.mark.parametrize(
    ("mode", "lives"),
    [
        ("ignore", [(1, 1, NOW), (2, 1, NOW)]),
        ("invalidate", [(1, 1, NOW), (2, 1, 50)]),
        ("new_record", [(1, 1, NOW), (2, 1, 50), (2, 50, NOW)]),
    ],
)
def test_rows_that_are_gone(table: Make, mode: str, lives: list[tuple[Any, ...]]) -> None:
    t = table(TIMESTAMP, hard_deletes=mode)
    t.run(orders((1, "'a'", hour(1)), (2, "'b'", hour(1))), now=40)
    t.run(orders((1, "'a'", hour(1))), now=50)
    assert t.run(orders((1, "'a'", hour(1))), now=60) == Written(0)
    assert t.lives() == lives


def test_a_marker_says_what_was_known_of_the_row(table: Make) -> None:
    t = table(CHECK, hard_deletes="new_record")
    t.run(orders((1, "'a'"), names="id, state"), now=10)
    t.run("select id, state from (" + orders((1, "'a'"), names="id, state") + ") x where id > 1", now=20)
    assert t.rows("id, state, dbt_is_deleted") == [(1, "a", "False"), (1, "a", "True")]
    assert len(set(t.rows("dbt_scd_id"))) == 2


@pytest.mark.parametrize("mode", ["invalidate", "new_record"])
def test_an_empty_query_ends_everything(table: Make, mode: str) -> None:
    t = table(CHECK, hard_deletes=mode)
    rows = orders((1, "'a'"), (2, "'b'"), names="id, state")
    t.run(rows, now=10)
    t.run(f"select * from ({rows}) x where 1 = 0", now=20)
    ended = [(1, 10, 20), (2, 10, 20)]
    assert t.lives() == (ended if mode == "invalidate" else sorted([*ended, (1, 20, NOW), (2, 20, NOW)]))


@pytest.mark.parametrize(
    ("mode", "lives"),
    [("invalidate", [(1, 1, 20), (1, 30, NOW)]), ("new_record", [(1, 1, 20), (1, 20, 30), (1, 30, NOW)])],
)
@pytest.mark.parametrize("config", [TIMESTAMP, {**CHECK, "updated_at": "ts"}], ids=["timestamp", "check"])
def test_a_key_that_is_back_unchanged_begins_anew(table: Make, config: Mapping[str, Any], mode: str, lives: list[Any]) -> None:
    """Its old moment lies in a time in which it was known to be there, and before one in which it was known to be gone."""
    t = table(config, hard_deletes=mode)
    t.run(orders((1, "'a'", hour(1)), (2, "'b'", hour(1))), now=10)
    t.run(orders((2, "'b'", hour(1))), now=20)
    t.run(orders((1, "'a'", hour(1)), (2, "'b'", hour(1))), now=30)
    assert [row for row in t.lives() if row[0] == 1] == lives
    assert len(set(t.rows("dbt_scd_id"))) == len(t.rows())


def test_a_key_that_is_back_with_a_later_moment_begins_then(table: Make) -> None:
    t = table(TIMESTAMP, hard_deletes="invalidate")
    t.run(orders((1, "'a'", hour(1))), now=10)
    t.run("select * from (" + orders((1, "'a'", hour(1))) + ") x where 1 = 0", now=20)
    t.run(orders((1, "'c'", hour(25))), now=30)
    assert t.lives() == [(1, 1, 20), (1, 25, NOW)]


def test_marking_can_begin_later(table: Make) -> None:
    t = table(CHECK)
    t.run(orders((1, "'a'"), (2, "'b'"), names="id, state"), now=10)
    t.run(orders((1, "'a'"), names="id, state"), now=20, hard_deletes="new_record")
    assert t.rows("id, dbt_is_deleted") == [(1, "False"), (2, "False"), (2, "True")]


def test_current_rows_may_end_far_away(table: Make) -> None:
    far = (datetime(9999, 12, 31, tzinfo=UTC) - START) / timedelta(hours=1)
    t = table(TIMESTAMP, dbt_valid_to_current="cast('9999-12-31' as timestamp)", hard_deletes="new_record")
    t.run(orders((1, "'a'", hour(1)), (2, "'b'", hour(1))), now=10)
    t.run(orders((1, "'b'", hour(5))), now=20)
    assert t.run(orders((1, "'b'", hour(5))), now=30) == Written(0)
    assert t.lives() == [(1, 1, 5), (1, 5, far), (2, 1, 20), (2, 20, far)]


def test_rows_without_end_are_current_whatever_current_rows_say_now(table: Make) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1)), (2, "'a'", hour(1))))
    t.run(orders((1, "'b'", hour(5)), (2, "'a'", hour(1))), dbt_valid_to_current="cast('9999-12-31' as timestamp)")
    assert [(i, f) for i, f, t in t.lives() if t > 1000] == [(1, 5), (2, 1)]


def test_columns_get_other_names(table: Make) -> None:
    names = {"dbt_valid_from": "Since When", "dbt_valid_to": "bis", "dbt_scd_id": "name", "dbt_updated_at": "stamp"}
    t = table(TIMESTAMP, snapshot_meta_column_names=names)
    t.run(orders((1, "'a'", hour(1))))
    t.run(orders((1, "'b'", hour(2))))
    assert [name for name, _ in t.columns()][3:] == ["name", "stamp", "Since When", "bis"]
    assert len(t.rows('"Since When"')) == 2


def test_names_without_quotes_are_the_engines_to_spell(table: Make) -> None:
    t = table(TIMESTAMP, snapshot_meta_column_names={"dbt_valid_to": "VALID_TO"}, unique_key="ID", updated_at="TS")
    t.run(orders((1, "'a'", hour(1))))
    t.run(orders((1, "'b'", hour(2))))
    assert len(t.rows("valid_to")) == 2


def test_keys_that_only_look_alike(table: Make) -> None:
    t = table(CHECK, unique_key=["a", "b"])
    t.run(orders(("'x|'", "'y'", 1), ("'x'", "'|y'", 1), names="a, b, n"), now=10)
    t.run(orders(("'x|'", "'y'", 1), ("'x'", "'|y'", 2), names="a, b, n"), now=20)
    assert t.rows("a, b, n, case when dbt_valid_to is null then 1 else 0 end") == [("x", "|y", 1, 0), ("x", "|y", 2, 1), ("x|", "y", 1, 1)]


def test_a_key_that_is_an_expression(table: Make) -> None:
    t = table(TIMESTAMP, unique_key="id || '-' || state", hard_deletes="invalidate")
    t.run(orders((1, "'a'", hour(1)), (1, "'b'", hour(1)), (2, "'a'", hour(1))), now=10)
    t.run(orders((1, "'a'", hour(1)), (1, "'b'", hour(5))), now=20)
    assert t.lives("state") == [(1, "a", 1, NOW), (1, "b", 1, 5), (1, "b", 5, NOW), (2, "a", 1, 20)]


def test_quoted_and_unicode_names(table: Make) -> None:
    t = table({**CHECK, "unique_key": '"Schlüssel nr"', "check_cols": ["Größe", '"select"']}, hard_deletes="invalidate")
    t.run('select 1 as "Schlüssel nr", 1 as "Größe", 1 as "select"')
    assert t.run('select 1 as "Schlüssel nr", 2 as "Größe", 1 as "select"') == Written(1, 1)
    assert t.run('select 1 as "Schlüssel nr", 2 as "Größe", 2 as "select"') == Written(1, 1)


def test_the_order_of_columns_is_of_no_importance(table: Make) -> None:
    t = table(CHECK)
    t.run("select 1 as id, 'a' as state, 'b' as other")
    assert t.run("select 'b' as other, 1 as id, 'a' as state") == Written(0)


def test_columns_come_and_go(table: Make) -> None:
    t = table(CHECK)
    t.run("select 1 as id, 'a' as state", now=10)
    assert t.run("select 1 as id, 'a' as state, 5 as extra", now=20) == Written(1, 1)
    assert t.run("select 1 as id, 6 as extra", now=30) == Written(1, 1)
    assert t.rows("state, extra, dbt_valid_to is null") == [("a", 5, False), ("a", None, False), (None, 6, True)]


def test_a_new_column_does_not_disturb_the_strategy_timestamp(table: Make) -> None:
    t = table(TIMESTAMP, hard_deletes="new_record")
    t.run(orders((1, "'a'", hour(1)), (2, "'a'", hour(1))), now=10)
    t.run(orders((1, "'a'", hour(1), 7), names="id, state, ts, extra"), now=20)
    assert sorted(t.rows("id, extra, dbt_is_deleted"), key=str) == [(1, None, "False"), (2, None, "False"), (2, None, "True")]


def test_a_column_of_another_type_is_refused(table: Make) -> None:
    t = table(CHECK)
    t.run("select 1 as id, 5 as state")
    assert "state (" in t.refuses("X353", "select 1 as id, 'five' as state")


def test_texts_may_become_longer(table: Make) -> None:
    t = table(CHECK)
    t.run("select 1 as id, cast('ab' as varchar(2)) as state")
    assert t.run("select 1 as id, cast('abcd' as varchar(4)) as state") == Written(1, 1)


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamp with time zone"])
def test_moments_of_every_kind(table: Make, kind: str) -> None:
    t = table(TIMESTAMP, hard_deletes="invalidate")
    t.session.execute("set timezone = 'Asia/Tokyo'")
    at = "cast('2024-01-0{}' as {})".format
    t.run(orders((1, "'a'", at(2, kind)), (2, "'a'", at(2, kind))))
    t.run(orders((1, "'b'", at(3, kind))), now=240)
    types = dict(t.columns())
    assert types["dbt_valid_from"] == types["dbt_valid_to"] == types["ts"]
    ((ended,),) = [r for r in t.rows("dbt_valid_to") if r[0] and str(r[0]) > "2024-01-05"]
    assert (ended if kind == "date" else ended.astimezone(UTC) if ended.tzinfo else ended.replace(tzinfo=UTC)) == (
        (START + timedelta(hours=240)).date() if kind == "date" else START + timedelta(hours=240)
    )


def test_moments_of_another_kind_are_refused(table: Make) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    t.refuses("X353", orders((1, "'a'", "cast('2024-01-02' as timestamp with time zone)")))


def test_a_key_twice_is_refused(table: Make) -> None:
    t = table(TIMESTAMP)
    message = t.refuses("X350", orders((1, "'a'", hour(1)), (7, "'a'", hour(1)), (7, "'a'", hour(1))))
    assert message == "the query returns more than one row for 1 key (for example: 7)"
    t.run(orders((7, "'a'", hour(1))))
    t.refuses("X350", orders((7, "'b'", hour(2)), (7, "'c'", hour(3))))


def test_a_key_with_a_null_is_refused(table: Make) -> None:
    t = table(CHECK, unique_key=["id", "part"])
    assert "(for example: 1, null)" in t.refuses("X350", "select 1 as id, cast(null as integer) as part")


def test_a_row_without_a_moment_is_refused(table: Make) -> None:
    t = table(TIMESTAMP)
    assert "1 of the query's rows (for example: 3)" in t.refuses("X356", orders((3, "'a'", "cast(null as timestamp)")))


def test_a_table_with_two_current_rows_of_a_key_is_refused(table: Make) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    name = t.engine.dialect.relation(t.engine.relation(t.name))
    t.session.execute(f"insert into {name} select * from {name}")
    assert "more than one current row for 1 key (for example: 1)" in t.refuses("X351", orders((1, "'a'", hour(1))))


@pytest.mark.parametrize("config", [{"unique_key": "idd"}, {"updated_at": "when"}, {"strategy": "check", "check_cols": ["nope"]}])
def test_columns_that_are_not_there_are_refused(table: Make, config: Mapping[str, Any]) -> None:
    table(TIMESTAMP, **config).refuses("X352", orders((1, "'a'", hour(1))))


def test_a_column_called_as_one_of_ours_is_refused(table: Make) -> None:
    table(CHECK).refuses("X355", "select 1 as id, 2 as dbt_valid_to")


def test_a_table_that_is_no_snapshot_is_refused(table: Make, engine: Engine) -> None:
    t = table(CHECK)
    t.session.execute(engine.dialect.create_table(engine.relation(t.name), "select 1 as id", {}))
    assert "`dbt_scd_id`, `dbt_valid_from`, `dbt_valid_to`" in t.refuses("X354", "select 1 as id")


def test_two_runs_at_once_write_each_version_once(table: Make) -> None:
    first, second = table(CHECK), table(CHECK)
    first.run(orders(*((n, "'a'") for n in range(500)), names="id, state"), now=1)
    together = threading.Barrier(2)
    refused: list[ExecuteError] = []
    again: list[ExecuteError] = []

    def run(t: Table) -> None:
        for now in range(2, 6):
            together.wait()
            while True:
                try:
                    t.run(f"select id, '{now}' as state from ({orders(*((n, 1) for n in range(500)), names='id, one')}) listed", now)
                    break
                except ExecuteError as error:  # DuckDB lets one of two win; what runs tasks tries again
                    again.append(error)
                    if not error.transient:
                        refused.append(error)
                        break

    threads = [threading.Thread(target=run, args=(t,)) for t in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert again == [] or not first.engine.dialect.history_lock(first.engine.relation(first.name))  # who can wait need not try again
    states = [(state, ended) for _, state, ended in first.rows("id, state, dbt_valid_to is not null")]
    assert {s: states.count(s) for s in states} == {
        ("a", True): 500,
        ("2", True): 500,
        ("3", True): 500,
        ("4", True): 500,
        ("5", False): 500,
    }


@pytest.mark.never("duckdb", reason="one process writes at a time, and of two transactions that meet one is told to try again")
def test_who_works_on_a_snapshot_lets_others_wait(table: Make, engine: Engine) -> None:
    t, other = table(CHECK), engine.connect()
    lock = engine.dialect.history_lock(engine.relation(t.name))
    assert lock
    other.begin()
    for statement in lock:
        other.execute(statement)
    with pytest.raises(ExecuteError) as waited:
        t.run("select 1 as id")
    assert waited.value.transient
    other.rollback()
    assert t.run("select 1 as id").new


# --- any history ------------------------------------------------------------------------------------------------------------


@dataclass
class Version:
    key: int
    state: str | None
    stamp: int
    begin: int
    end: int | None = None
    deleted: bool = False


def reference(versions: list[Version], source: Mapping[int, tuple[str | None, int]], now: int, config: Mapping[str, Any]) -> None:
    """What one run does to a history, said as plainly as possible."""
    mode, own_time = config.get("hard_deletes", "ignore"), "updated_at" in config
    current = {v.key: v for v in versions if v.end is None}
    for key, (state, at) in source.items():
        held, stamp = current.get(key), at if own_time else now
        past = [v.end for v in versions if v.key == key and v.end is not None]
        last = held.begin if held else max(past) if past else None
        if held and not held.deleted and not (held.stamp < stamp if config["strategy"] == "timestamp" else held.state != state):
            continue
        begin = stamp if last is None or stamp > last else max(now, last)
        if held:
            held.end = begin
        versions.append(Version(key, state, stamp, begin))
    for key, held in current.items():
        if key in source or mode == "ignore" or (held.deleted and mode == "new_record"):
            continue
        held.end = max(now, held.begin)
        if mode == "new_record":
            versions.append(Version(key, held.state, held.end, held.end, deleted=True))


def select(source: Mapping[int, tuple[str | None, int]]) -> str:
    rows = [(key, f"cast({'null' if s is None else repr(s)} as varchar)", hour(at)) for key, (s, at) in source.items()]
    every = orders((0, "cast('x' as varchar)", hour(0)), *rows)
    return f"select * from (\n{every}\n) listed where id > 0"


SOURCES = st.dictionaries(st.integers(1, 3), st.tuples(st.sampled_from([None, "a", "b", ""]), st.integers(0, 6)), max_size=3)
CONFIGS = st.builds(
    lambda config, mode, far: {**config, "hard_deletes": mode, **far},
    st.sampled_from([TIMESTAMP, {**CHECK, "check_cols": ["state"]}, {**CHECK, "check_cols": ["state"], "updated_at": "ts"}]),
    st.sampled_from(["ignore", "invalidate", "new_record"]),
    st.sampled_from([{}, {"dbt_valid_to_current": "cast('9999-12-31' as timestamp)"}]),
)


def test_any_history_is_that_of_the_reference(engine: Engine) -> None:
    numbers = count()
    sessions: list[Any] = []

    @settings(max_examples=50 if engine.target.type == "duckdb" else 20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CONFIGS, st.lists(st.tuples(SOURCES, st.integers(0, 2)), min_size=2, max_size=5))
    def holds(config: Mapping[str, Any], states: list[tuple[Any, int]]) -> None:
        t = Table(engine, config, f"history_{next(numbers)}")
        sessions.append(t.session)
        versions: list[Version] = []
        now = 0
        for source, later in states:
            now += later  # two runs may be of one instant
            reference(versions, source, now, config)
            t.run(select(source), now)
            assert told(t) == sorted(wanted(versions, config), key=str)
            ordered(versions)
            assert t.run(select(source), now) == Written(0) or unsteady(versions, source, now, config)
        event(f"{config['strategy']} {config['hard_deletes']}, {len(versions)} versions")
        sessions.pop().close()

    holds()


def unsteady(versions: list[Version], source: Mapping[int, tuple[str | None, int]], now: int, config: Mapping[str, Any]) -> bool:
    """Whether the reference, too, would write something more."""
    copies = [Version(v.key, v.state, v.stamp, v.begin, v.end, v.deleted) for v in versions]
    reference(copies, source, now, config)
    return copies != versions


def told(t: Table) -> list[tuple[Any, ...]]:
    marked = [name for name, _ in t.columns() if name == "dbt_is_deleted"]
    found = t.rows(", ".join(["id", "state", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to", *marked]))
    return sorted(((i, s, hours(u), hours(f), min(hours(e), 1e6), *m) for i, s, u, f, e, *m in found), key=str)


def wanted(versions: Iterable[Version], config: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    marks = config["hard_deletes"] == "new_record"
    return [
        (v.key, v.state, float(v.stamp), float(v.begin), 1e6 if v.end is None else float(v.end), *([str(v.deleted)] if marks else []))
        for v in versions
    ]


def ordered(versions: list[Version]) -> None:
    """Versions of a key follow one another, and only the last is open."""
    for key in {v.key for v in versions}:
        lives = [(v.begin, v.end) for v in versions if v.key == key]
        assert all(end is not None and begin <= end <= then for (begin, end), (then, _) in pairwise(lives))
