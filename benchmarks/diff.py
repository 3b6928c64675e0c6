"""The data of 10 million rows of 10 columns compared: orc, and one full join written by hand, in one run.

    python benchmarks/diff.py                    # two minutes: most of it makes the tables, once
    python benchmarks/diff.py --quick            # 100,000 rows, once: does the harness work?
    python benchmarks/diff.py --readme           # also write the tables into benchmarks/README.md
    python benchmarks/diff.py --show results/diff-x.json [--readme]

Run it with the Python that has orc's dependencies. Both are processes of their own; the join by hand answers less (how many rows
each column differs in), and is told nothing about memory, or as much as orc's session is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import run
import tables
from measure import Sample, measure

OPENING, CLOSING = "<!-- diff: written by diff.py --readme -->", "<!-- end of diff -->"
ROWS = 10_000_000
COLUMNS = ("id", "customer", "store", "amount", "tax", "status", "note", "ordered", "shipped", "weight")
SECONDS, MEGABYTES = 10.0, 1000.0
CHANGED, IDENTICAL = "0.15 % changed, 0.05 % added and removed", "identical, in another order"
BY_HAND = "one full join by hand"
BY_HAND_LIMITED = "one full join by hand, memory_limit 600MB"

MAKE = """
import duckdb, sys
path, rows = sys.argv[1], int(sys.argv[2])
c = duckdb.connect(path)
c.execute("set memory_limit = '1GB'")
c.execute("create schema prod; create schema dev")
c.execute(f'''create table prod.orders as select i as id, (hash(i) % 100000)::int as customer, (hash(i + 1) % 500)::smallint as store,
  ((hash(i + 2) % 1000000) / 100)::decimal(12, 2) as amount, ((hash(i + 3) % 10000) / 100)::decimal(8, 2) as tax,
  'status-' || (hash(i + 4) % 7) as status, 'note ' || (hash(i + 5) % 1000000) as note,
  date '2015-01-01' + (hash(i + 6) % 4000)::int as ordered,
  timestamp '2015-01-01' + to_seconds((hash(i + 7) % 300000000)::bigint) as shipped, (hash(i + 8) % 1000) / 7.0::double as weight
  from range({rows}) r(i)''')
c.execute(f'''create table dev.orders as select id, customer, store,
  (case when hash(id + 11) % 1000 = 0 then amount + 1 else amount end)::decimal(12, 2) as amount, tax,
  case when hash(id + 12) % 2000 = 0 then 'other' else status end as status, note, ordered, shipped, weight
  from prod.orders where hash(id + 13) % 4000 <> 0
  union all select id + {rows}, customer, store, amount, tax, status, note, ordered, shipped, weight from prod.orders
  where id < {rows} / 4000''')
c.execute("create table dev.twin as from prod.orders order by hash(id) % 8; create table prod.twin as from prod.orders")
c.execute("checkpoint")
"""

JOIN = """
import duckdb, sys
path, limit = sys.argv[1], sys.argv[2]
c = duckdb.connect(path, read_only=True)
if limit:
    c.execute(f"set memory_limit = '{limit}'")
columns = sys.argv[3].split(",")
both = "a.id is not null and b.id is not null"
counts = ", ".join(f"count(*) filter ({both} and a.{n} is distinct from b.{n})" for n in columns[1:])
ends = "count(*) filter (b.id is null), count(*) filter (a.id is null)"
print(c.execute(f"select {ends}, {counts} from prod.orders a full join dev.orders b on a.id = b.id").fetchall())
"""

PROJECT = {
    "pyproject.toml": "[tool.orchestrator]\nname = 'bench'\nprofile = 'bench'\n",
    "models/orders.sql": "{{ config(materialized='table') }}\nselect 1 as id\n",
    "models/twin.sql": "{{ config(materialized='table') }}\nselect 1 as id\n",
    "models/models.yml": "version: 2\nmodels:\n  - name: orders\n    columns: [{name: id, data_tests: [unique]}]\n"
    "  - name: twin\n    columns: [{name: id, data_tests: [unique]}]\n",
}


def prepared(rows: int) -> Path:
    """A project whose two targets hold the tables, made at first use."""
    project = run.RESULTS / "projects" / f"diff-{rows}"
    outputs = {name: {"type": "duckdb", "path": "tables.duckdb", "schema": name, "threads": 4} for name in ("dev", "prod")}
    files = {**PROJECT, "profiles.yml": json.dumps({"bench": {"target": "dev", "outputs": outputs}})}
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    made = project / "tables.duckdb"
    if not made.exists():
        print(f"making {rows:,} rows, twice and twice …", flush=True)
        fresh = project / "new.duckdb"
        fresh.unlink(missing_ok=True)
        sample = measure([sys.executable, "-c", MAKE, str(fresh), str(rows)], project, run.environment(), log("make"))
        if sample.code:
            raise SystemExit(log("make").read_text())
        fresh.rename(made)
    return project


def log(name: str) -> Path:
    return run.RESULTS / "logs" / f"diff-{name}.log"


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """All cases, and the file they are kept in."""
    (run.RESULTS / "home").mkdir(parents=True, exist_ok=True)
    rows = 100_000 if arguments.quick else arguments.rows
    repetitions = 1 if arguments.quick else arguments.repetitions
    project = prepared(rows)
    path = project / "tables.duckdb"
    tool = run.orc(run.environment())
    by_hand = [sys.executable, "-c", JOIN, str(path)]
    cases: list[tuple[str, str, Sequence[str]]] = [
        (CHANGED, "orc diff", tool.line(project, "diff", "orders", "--against", "prod")),
        (IDENTICAL, "orc diff", tool.line(project, "diff", "twin", "--against", "prod")),
        (CHANGED, BY_HAND, [*by_hand, "", ",".join(COLUMNS)]),
        (CHANGED, BY_HAND_LIMITED, [*by_hand, "600MB", ",".join(COLUMNS)]),
    ]
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    found = []
    for case, who, line in cases:
        taken = [measure(line, project, tool.env, log(who.split()[0])) for _ in range(repetitions)]
        row = {"case": case, "models": rows, "tool": who, "samples": [asdict(s) for s in taken]}
        found.append(row)
        best = tables.best(row)
        print(f"{case:42} {who:44} wall {best.wall:7.2f}  cpu {best.cpu:7.2f}  {best.rss:6.0f} MB  exit {best.code}", flush=True)
        if best.code:
            print(log(who.split()[0]).read_text())
    result = {
        "date": begun.strftime("%Y-%m-%d %H:%M UTC"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load at start": round(load, 2),
        "versions": {"python": platform.python_version(), "duckdb": version("duckdb")},
        "rows": found,
    }
    kept = run.RESULTS / f"diff-{begun:%Y%m%d-%H%M%S}.json"
    kept.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"\nkept in {kept}")
    return result


def verdicts(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """The bars of the specification: of both cases the seconds on the wall and the memory of the whole process."""
    for case in (CHANGED, IDENTICAL):
        sample: Sample | None = tables.find(rows, case, ROWS, "orc diff")
        for value, limit, unit in (("wall", SECONDS, "s"), ("rss", MEGABYTES, "MB")):
            number = None if sample is None else float("inf") if sample.code else getattr(sample, value)
            yield tables.verdict(f"{case}, 10 million rows, 10 columns", number, limit, unit)


def shown(result: Mapping[str, Any]) -> str:
    """Everything of a result, as Markdown."""
    listed = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [[r["case"], f"{r['models']:,}", r["tool"], *tables.cell(tables.best(r))] for r in result["rows"]]
    parts = [
        f"{result['date']}, {result['cores']} cores, {result['system']}, load {result['load at start']} at the start. {listed}.",
        tables.table(["what", "rows", "who", "CPU s", "wall s", "MB"], lines),
        tables.table(["bar", "limit", "orc", ""], [*verdicts(result["rows"])]),
    ]
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one repetition")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repetitions", type=int, default=3, help="of each case; the lowest times count, and the highest memory")
    parser.add_argument("--show", type=Path, metavar="JSON", help="measure nothing, print the tables of this result")
    parser.add_argument("--readme", action="store_true", help="write the tables into benchmarks/README.md")
    arguments = parser.parse_args()
    result = json.loads(arguments.show.read_text(encoding="utf-8")) if arguments.show else measured(arguments)
    text = shown(result)
    print("\n" + text)
    if arguments.readme:
        readme = run.HERE / "README.md"
        readme.write_text(tables.inserted(readme.read_text(encoding="utf-8"), text, (OPENING, CLOSING)), encoding="utf-8")
    return int(any(outcome == "MISSED" for *_, outcome in verdicts(result["rows"])))


if __name__ == "__main__":
    sys.exit(main())
