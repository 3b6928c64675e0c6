"""`kill -9` at any moment: every relation is the complete old or the complete new version, the ledger agrees, the next run converges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

V = "{{ var('v') }}"
TESTED = """
models:
  - name: {name}
    description: Something
    columns: [{{name: id, description: A key, tests: [unique, not_null]}}]
"""
NUMBERS = f"select range + {V} as id, '{V}' as v from range(2000)"
PYTHON = """
import pyarrow as pa


def model(ctx):
    version = str(ctx.var("v"))
    return pa.table({"id": list(range(100)), "v": [version] * 100})
"""

PROJECTS: dict[str, dict[str, str]] = {
    "table": {
        "a_sql": f"{{{{ config(materialized='table') }}}} {NUMBERS}",
        "a_yml": TESTED.format(name="a"),
        "b_sql": "{{ config(materialized='table') }} select * from a where id % 2 = 0",
    },
    "incremental": {
        # what version 2 brings overlaps with what version 1 left
        "a_sql": "{{ config(materialized='incremental', unique_key='id') }}"
        f"select range + 500 * {V} as id, '{V}' as v, 1 as n from range(1000)",
        "a_yml": TESTED.format(name="a"),
    },
    "appended": {
        "a_sql": "{{ config(materialized='incremental') }}"
        f"select '{V}' as v from range(3){{% if is_incremental() %}} where '{V}' not in (select v from {{{{ this }}}}){{% endif %}}"
    },
    "snapshot": {
        "s_sql": f"{{{{ config(materialized='ephemeral') }}}}select range + 500 * {V} as id, {V} as at from range(1000)",
        "a_yml": """
snapshots:
  - name: a
    relation: ref('s')
    config: {strategy: timestamp, unique_key: id, updated_at: at}
    columns: [{name: dbt_scd_id, data_tests: [unique, not_null]}]
""",
    },
    "kinds": {
        "a_sql": f"{{{{ config(materialized='table' if var('v') == 1 else 'view') }}}} {NUMBERS}",
        "b_sql": f"{{{{ config(materialized='view' if var('v') == 1 else 'table') }}}} {NUMBERS}",
    },
    "python": {"a_py": PYTHON},
    "seed": {"a_csv": "id,v\n1,1\n2,1\n"},
}


@pytest.mark.parametrize("kind", PROJECTS)
def test_before_every_statement(lab: Any, kind: str) -> None:
    lab.write(**PROJECTS[kind])
    lab.orc("build", "--threads", "1", "--vars", "{v: 1}")
    if kind == "seed":
        lab.write(a_csv="id,v\n1,2\n3,2\n")
    old = {n: _rows(lab, n) for n in _relations(lab)}
    first, *deaths = lab.die("each")
    assert first["build"]["code"] == 0, first["build"]["told"]
    new = first["undisturbed"]["tables"]
    assert set(old) == set(new)
    assert all(old[n] != new[n] for n in new)
    assert len(deaths) == len(first["build"]["said"]) + 1 > 8
    assert sum("again" in d for d in deaths) > len(deaths) / 3
    versions = []
    for death in deaths:
        found = death["found"]
        assert set(found["tables"]) - {"a__orc_stage", "b__orc_stage"} == set(new)
        (last, status), *before = found["runs"]
        if death["finished"]:
            assert (death, status) == (deaths[-1], "passed")
        else:  # killed before the run was written down, or after
            assert status == ("interrupted" if before else "passed")
        for name in new:
            is_new = found["tables"][name] == new[name]
            assert is_new or found["tables"][name] == old[name], (death["before"], name)
            assert (found["ledger"][name] == last and bool(before)) is is_new
        versions.append([found["tables"][n] == new[n] for n in sorted(new)])
        if "again" in death:
            then = death["then"]
            assert death["again"]["code"] == 0, death["again"]["told"]
            assert then["tables"] == new, death["before"]
            assert set(then["ledger"].values()) == {then["runs"][0][0]}
            assert then["runs"][0][1] == "passed"
    assert versions == sorted(versions)  # once published, always published
    assert versions[0] == [False] * len(new)
    assert versions[-1] == [True] * len(new)


def _relations(lab: Any) -> list[str]:
    return [n for (n,) in lab.rows("select table_name from information_schema.tables where table_schema = 'main'")]


def _rows(lab: Any, name: str) -> list[list[Any]]:
    return sorted(map(list, lab.rows(f'select * from main."{name}"')))


CHAIN = {
    "a_sql": f"{{{{ config(materialized='table') }}}} {NUMBERS}",
    "a_yml": TESTED.format(name="a"),
    "b_sql": "{{ config(materialized='table') }} select a.id, a.v, count(*) as n from a join a as o on a.id % 50 = o.id % 50 group by all",
    "c_sql": "{{ config(materialized='incremental', unique_key='id') }} select * from a",
    "d_sql": "select * from b",
    "e_sql": "{{ config(materialized='table') }} select * from a where id % 3 = 0",
}


@pytest.mark.parametrize("seed", [20260101, 20260102])
def test_at_random_times(lab: Any, seed: int) -> None:
    print(f"seed {seed}")
    lab.write(**CHAIN)
    lab.orc("build", "--vars", "{v: 1}")
    old = {n: _rows(lab, n) for n in _relations(lab)}
    first, *deaths = lab.die("random", str(seed), "5")
    new = first["undisturbed"]["tables"]
    assert len(deaths) == 6
    for death in deaths:
        for name in new:
            assert death["found"]["tables"][name] in (old[name], new[name]), (death, name)
    assert deaths[-1]["again"]["code"] == 0
    then = deaths[-1]["then"]
    assert then["tables"] == new
    assert set(then["ledger"].values()) == {then["runs"][0][0]}
    assert {status for _, status in then["runs"]} <= {"passed", "interrupted"}


BY_DAY = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='seen', batch_size='day', begin=var('begin'),
          lookback=1, full_refresh=%s) }}
select * from raw
"""
RAW_BY_DAY = "select range as id, {today} - interval 5 hour * range as seen, '{{{{ var('v') }}}}' as v from range(5)"


@pytest.mark.parametrize("refresh", [False, True])
def test_a_model_built_by_interval_before_every_statement(lab: Any, *, refresh: bool) -> None:
    """Every batch is whole or not there, and the interval ledger says which; the next run builds what is missing, nothing twice."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = f"'{(today - timedelta(days=1)).date()}'"
    lab.write(
        raw_sql="{{ config(materialized='table', event_time='seen') }} "
        + RAW_BY_DAY.format(today=f"timestamp '{today.replace(tzinfo=None)}'"),
        events_sql=BY_DAY.replace("var('begin')", begin) % ("(var('v') == 2)" if refresh else "none"),
        events_yml=TESTED.format(name="events"),
    )
    lab.orc("build", "--threads", "1", "--vars", "{v: 1}")
    whole = _rows(lab, "raw")
    if not refresh:  # yesterday was never built
        start = today - timedelta(days=1)
        lab.rows(f"delete from events where seen < '{today}'")
        lab.rows(f"delete from _orc.intervals where start = '{start.isoformat(sep=' ')}'")
    first, *deaths = lab.die("each")
    assert first["build"]["code"] == 0, first["build"]["told"]
    new = first["undisturbed"]["tables"]["events"]
    assert [row[:2] for row in new] == [[row[0], str(row[1])] for row in whole]
    assert len(deaths) > 20
    for death in deaths:
        found = death["found"]
        rows, days = found["tables"]["events"], found["intervals"]
        assert len({row[0] for row in rows}) == len(rows), "no row is there twice"
        there = {row[0] for row in rows}
        for row in whole:
            covered = any(start <= f"{row[1]}+00:00" < end for start, end in days)
            assert (row[0] in there) is covered, (death["before"], row)
        if refresh:
            assert len({row[2] for row in rows}) == 1, "the old table whole, or the new one"
        if "again" in death:
            assert death["again"]["code"] == 0, death["again"]["told"]
            assert [row[:2] for row in death["then"]["tables"]["events"]] == [row[:2] for row in new]
            assert "events__orc_stage" not in death["then"]["tables"]
