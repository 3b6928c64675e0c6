"""orc on Postgres beside dbt-postgres and the same work by hand, in one run, on a server of its own.

    python benchmarks/postgres.py                # 10 minutes
    python benchmarks/postgres.py --quick        # small sizes, once: does the harness work?
    python benchmarks/postgres.py --readme       # also write the tables into benchmarks/README.md
    python benchmarks/postgres.py --show results/postgres-x.json [--readme]

Run it with the Python that has orc's dependencies, ``[dev]`` included: that carries the server. dbt-postgres is installed
into the peer's environment of ``run.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import run
import tables
from measure import Sample, measure

BY_HAND = run.HERE / "by_hand.py"
PROJECTS = run.RESULTS / "projects"
OPENING, CLOSING = "<!-- postgres: written by postgres.py --readme -->", "<!-- end of postgres -->"
SLEEPERS = 8

MILLION = """\
import pyarrow as pa


def model(ctx):
    with pa.ipc.open_file(pa.memory_map("{file}")) as table:
        for i in range(table.num_record_batches):
            yield table.get_batch(i)
"""


@dataclass
class Bench:
    """The server, who is measured on it, and what came out."""

    server: str
    tools: Sequence[run.Tool]
    repetitions: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.server}"

    def fresh(self, database: str, setup: str = "") -> str:
        """An empty database, made by a process of its own: whoever measures stays small."""
        code = (
            "import sys, psycopg\n"
            "host, name, setup = sys.argv[1:]\n"
            "with psycopg.connect(host=host, user='postgres', dbname='postgres', autocommit=True) as c:\n"
            "    c.execute(f'drop database if exists {name} with (force)'); c.execute(f'create database {name}')\n"
            "with psycopg.connect(host=host, user='postgres', dbname=name, autocommit=True) as c:\n"
            "    c.execute(setup or 'select'); c.execute('checkpoint')\n"
        )
        subprocess.run([sys.executable, "-c", code, self.server, database, setup], check=True)
        return self.url(database)

    def tool(self, tool: run.Tool, project: Path, *words: str) -> Sample:
        """A command of a tool, in the database called like it."""
        env = {**tool.env, "PGHOST": self.server, "PGDATABASE": f"bench_{tool.name}"}
        return measure(tool.line(project, *words), project, env, run.RESULTS / "logs" / f"postgres-{tool.name}.log")

    def by_hand(self, *words: str) -> Sample:
        env = {**run.environment(), "PYTHONPATH": str(run.ROOT)}
        return measure([sys.executable, str(BY_HAND), *words], run.RESULTS, env, run.RESULTS / "logs" / f"postgres-{words[0]}.log")

    def keep(self, case: str, size: int, who: str, taken: Sequence[Sample]) -> None:
        row = {"case": case, "models": size, "tool": who, "samples": [asdict(s) for s in taken]}
        self.rows.append(row)
        best = tables.best(row)
        failed = f"  EXIT {[s.code for s in taken]}" if any(s.code for s in taken) else ""
        print(f"{case:16} {size:>9,} {who:40} cpu {best.cpu:7.3f}  wall {best.wall:7.3f}  {best.rss:6.0f} MB{failed}", flush=True)


def models(bench: Bench, count: int) -> None:
    """A whole run without tests into an empty database, once more, and the same creates by hand."""
    taken: dict[tuple[str, str], list[Sample]] = {}
    setup = ""
    for tool in bench.tools:
        project = PROJECTS / f"postgres-{tool.name}-{count}"
        shutil.rmtree(project, ignore_errors=True)
        words = [str(run.HERE / "generate.py"), str(project), "--models", str(count), "--seed", str(run.SEED), "--engine", "postgres"]
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        setup = (project / "setup.sql").read_text(encoding="utf-8")
    for _ in range(bench.repetitions):
        for tool in bench.tools:
            project = PROJECTS / f"postgres-{tool.name}-{count}"
            bench.fresh(f"bench_{tool.name}", setup)
            bench.tool(tool, project, "parse")
            words = ("run", "--no-gates") if tool.name == "orc" else ("run",)
            taken.setdefault(("run, first", tool.name), []).append(bench.tool(tool, project, *words))
            taken.setdefault(("run, again", tool.name), []).append(bench.tool(tool, project, *words))
        file = PROJECTS / "postgres-creates.json"
        first = PROJECTS / f"postgres-{bench.tools[0].name}-{count}"
        subprocess.run([sys.executable, str(BY_HAND), "prepare", str(first), str(file)], check=True)
        for threads in (1, 4):
            url = bench.fresh(f"bench_{bench.tools[0].name}", setup)  # its name is in the statements
            name = f"by hand, {threads} connection{'s' if threads > 1 else ''}"
            taken.setdefault(("run, first", name), []).append(bench.by_hand("send", str(file), url, "--threads", str(threads)))
    for (case, who), samples in taken.items():
        bench.keep(case, count, who, samples)


def million(bench: Bench) -> None:
    """A million rows of ten columns: a Python model, the frame alone, and two ways by hand."""
    file = run.RESULTS / "million.arrow"
    subprocess.run([sys.executable, str(BY_HAND), "million", str(file)], check=True)
    project = small_project("postgres-million", {"models/million.py": MILLION.format(file=file)})
    url = bench.fresh("bench_hand")
    orc = next((t for t in bench.tools if t.name == "orc"), None)
    taken: dict[str, list[Sample]] = {}
    for _ in range(bench.repetitions):
        taken.setdefault("by hand, write_row", []).append(bench.by_hand("rows", str(file), url))
        bench.by_hand("dump", str(file), url)
        taken.setdefault("by hand, bytes made before", []).append(bench.by_hand("bytes", str(file), url))
        taken.setdefault("orc's frame alone", []).append(bench.by_hand("frame", str(file), url))
        if orc is not None:
            bench.fresh("bench_orc")
            bench.tool(orc, project, "parse")
            taken.setdefault("orc", []).append(bench.tool(orc, project, "run"))
    for who, samples in taken.items():
        bench.keep("load", 1_000_000, who, samples)


def sleepers(bench: Bench) -> None:
    """Models that only wait for the server, as many as threads."""
    taken: dict[str, list[Sample]] = {}
    for _ in range(bench.repetitions):
        for tool in bench.tools:
            sql = {
                f"models/sleeper_{i}.sql": "{{ config(materialized='table') }} select pg_sleep(1)::text as slept" for i in range(SLEEPERS)
            }
            project = small_project(f"postgres-{tool.name}-sleep", sql)
            bench.fresh(f"bench_{tool.name}")
            bench.tool(tool, project, "parse")
            taken.setdefault(tool.name, []).append(bench.tool(tool, project, "run", "--threads", str(SLEEPERS)))
    for who, samples in taken.items():
        bench.keep("pg_sleep(1)", SLEEPERS, who, samples)


def small_project(name: str, files: Mapping[str, str]) -> Path:
    import generate

    project = PROJECTS / name
    shutil.rmtree(project, ignore_errors=True)
    settings = "name: bench\nversion: '1.0.0'\nprofile: bench\nflags: {send_anonymous_usage_stats: false}\n"
    for path, text in {"dbt_project.yml": settings, "profiles.yml": generate.POSTGRES_PROFILE, **files}.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    return project


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """The bars of the specification."""

    def found(case: str, who: str) -> Sample | None:
        return next((tables.best(r) for r in rows if r["case"] == case and r["tool"] == who), None)

    def of(one: Sample | None, other: Sample | None, what: str, how: str) -> float | None:
        if one is None or other is None:
            return None
        if one.code or other.code:
            return float("inf")
        a, b = getattr(one, what), getattr(other, what)
        return a / b if how == "ratio" else a - b

    count = next((r["models"] for r in rows if r["case"] == "run, first"), 0)
    first, sleep = found("run, first", "orc"), found("pg_sleep(1)", "orc")
    more = of(first, found("run, first", "by hand, 1 connection"), "cpu", "difference")
    load = of(found("load", "orc"), found("load", "by hand, write_row"), "wall", "ratio")
    name = f"run, first, {count:,} models"
    return [
        tables.verdict(f"{name}: CPU a model over the creates by hand", more and more / count * 1000, 4, "ms CPU"),
        tables.verdict(f"{name}: the whole command", first and first.wall, 2, "s"),
        tables.verdict("load: a Python model over write_row by hand", load, 1.5, "x"),
        tables.verdict(f"{SLEEPERS} models of pg_sleep(1), {SLEEPERS} threads", sleep and sleep.wall, 2, "s"),
    ]


def shown(result: Mapping[str, Any]) -> str:
    """Everything of a result, as Markdown."""
    rows = result["rows"]
    listed = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [[r["case"], f"{r['models']:,}", r["tool"], *tables.cell(tables.best(r))] for r in rows]
    parts = [
        f"{result['date']}, {result['cores']} cores, {result['system']}, load {result['load at start']} at the start. {listed}.",
        tables.table(["what", "size", "who", "CPU s", "wall s", "MB"], lines),
        tables.table(["bar", "limit", "orc", ""], verdicts(rows)),
    ]
    return "\n\n".join(parts)


def versions(url: str) -> dict[str, str]:
    code = "import sys, psycopg; c = psycopg.connect(sys.argv[1]); print(psycopg.__version__, c.info.parameter_status('server_version'))"
    psycopg, server = subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True, text=True).stdout.split()
    found = {"python": platform.python_version(), "psycopg": psycopg, "Postgres": server}
    if run.PEER.exists():
        code = "from importlib.metadata import version as v; print(v('dbt-core'), v('dbt-postgres'))"
        both = subprocess.run([str(run.PEER / "bin" / "python"), "-c", code], check=True, capture_output=True, text=True).stdout.split()
        found |= dict(zip(("dbt-core", "dbt-postgres"), both, strict=True))
    return found


def dbt(env: Mapping[str, str]) -> run.Tool:
    """The peer, with its part for Postgres."""
    tool = run.dbt(env)
    if not list(run.PEER.glob("lib/*/site-packages/dbt/adapters/postgres")):
        command = [str(run.PEER / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "dbt-postgres<1.11"]
        subprocess.run(command, check=True)
    return tool


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    sys.path.insert(0, str(run.ROOT))
    from orchestrator.testing.postgres import server

    (run.RESULTS / "home").mkdir(parents=True, exist_ok=True)
    env = run.environment()
    tools = [{"orc": run.orc, "dbt": dbt}[name](env) for name in arguments.tools]
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    with server(dict(os.environ)) as url:
        bench = Bench(parse_qs(urlsplit(url).query)["host"][0], tools, 1 if arguments.quick else arguments.repetitions)
        for tool in tools:
            measure([*tool.command, "--help"], run.RESULTS, tool.env, run.RESULTS / "logs" / "postgres-prepare.log")
        for case in arguments.cases:
            match case:
                case "models":
                    models(bench, 50 if arguments.quick else arguments.models)
                case "load":
                    million(bench)
                case "sleep":
                    sleepers(bench)
        result = {
            "date": begun.strftime("%Y-%m-%d %H:%M UTC"),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "load at start": round(load, 2),
            "versions": versions(url),
            "rows": bench.rows,
        }
    path = run.RESULTS / f"postgres-{begun:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"\nkept in {path}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50 models, one repetition")
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--repetitions", type=int, default=3, help="of each case; the lowest counts")
    parser.add_argument("--tools", nargs="+", choices=["orc", "dbt"], default=["orc", "dbt"])
    parser.add_argument("--cases", nargs="+", choices=["models", "load", "sleep"], default=["models", "load", "sleep"])
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
