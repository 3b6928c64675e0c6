"""Lineage of every column of a project: orc, sqlglot's own functions in a loop, and SQLMesh, in one run.

    python benchmarks/lineage.py                 # 1,000 models; five minutes, SQLMesh's installation not counted
    python benchmarks/lineage.py --quick         # 100 models, once: does the harness work?
    python benchmarks/lineage.py --readme        # also write the tables into benchmarks/README.md
    python benchmarks/lineage.py --show results/lineage-x.json [--readme]

Run it with the Python that has orc's dependencies. SQLMesh gets an environment of its own in ``benchmarks/results/.venv-sqlmesh``.
What takes minutes is not done for every model: one in ``--every``, and the seconds scaled; a row's name says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import run
import tables
from measure import Sample, measure

BY_HAND = run.HERE / "lineage_by_hand.py"
SQLMESH = run.RESULTS / ".venv-sqlmesh"
SQLMESH_MODELS = 200
OPENING, CLOSING = "<!-- lineage: written by lineage.py --readme -->", "<!-- end of lineage -->"
WAYS = (
    ("fast", 5, "sqlglot.lineage(None, …, trim_selects=False, copy=False)"),
    ("all", 20, "sqlglot.lineage(None, …)"),
    ("column", 40, "sqlglot.lineage(column, …), column by column"),
)
COLD, WARM, EDITED = "all columns, cold", "all columns, warm", "all columns, one model changed"


@dataclass
class Bench:
    """The project under test, and what came out."""

    repetitions: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, case: str, models: int, tool: str, taken: Sequence[Sample]) -> None:
        row = {"case": case, "models": models, "tool": tool, "samples": [asdict(s) for s in taken]}
        self.rows.append(row)
        best = tables.best(row)
        print(f"{case:32} {models:>5} {tool:60} cpu {best.cpu:8.3f}  {best.rss:6.0f} MB  exit {best.code}", flush=True)


def ours(bench: Bench, models: int) -> None:
    """``orc lineage --check``: opens the project, works out or reads all meanings, and counts."""
    tool = run.orc(run.environment())
    whole = run.Bench([tool], bench.repetitions)
    project = whole.project("orc", models)
    line = tool.line(project, "lineage", "--check")
    log = run.RESULTS / "logs" / "lineage-orc.log"
    for case, before in ((COLD, whole.cold), (WARM, whole.nothing), (EDITED, edited)):
        taken = []
        for _ in range(bench.repetitions):
            before(tool, project)
            taken.append(measure(line, project, tool.env, log))
        bench.keep(case, models, "orc lineage --check", taken)


def edited(_tool: run.Tool, project: Path) -> None:
    """A comment in one staging model: its places move, its columns stay."""
    model = min((project / "models" / "staging").rglob("stg_*.sql"))
    text = model.read_text(encoding="utf-8").split("\n-- edited")[0].rstrip("\n")
    model.write_text(f"{text}\n-- edited {os.getpid()} {datetime.now(UTC).isoformat()}\n", encoding="utf-8")


def others(bench: Bench, models: int, *, sqlmesh: bool) -> None:
    given = prepared(bench, models)
    for way, every, name in WAYS:
        scaled(bench, [sys.executable, str(BY_HAND), way, str(given)], models, every, name)
    if sqlmesh:
        smaller = min(models, SQLMESH_MODELS)
        command = [str(installed()), str(BY_HAND), "sqlmesh", str(prepared(bench, smaller)), str(run.RESULTS / "projects" / "sqlmesh")]
        scaled(bench, command, models, 10, f"SQLMesh, load of {smaller} models, and column_dependencies", load=models / smaller)


def prepared(bench: Bench, models: int) -> Path:
    """The queries and columns of a project, for those who do not read it themselves."""
    tool = run.orc(run.environment())
    project = run.Bench([tool], bench.repetitions).project("orc", models)
    given = run.RESULTS / "projects" / f"lineage-{models}.json"
    subprocess.run([sys.executable, str(BY_HAND), "prepare", str(project), str(given)], check=True, env=dict(tool.env))
    return given


def scaled(bench: Bench, command: Sequence[str], models: int, every: int, name: str, *, load: float = 1) -> None:
    """Measure a way on one model in ``every``; its seconds are those of all models then. ``load`` scales loading."""
    taken = []
    log = run.RESULTS / "logs" / "lineage-by-hand.log"
    for _ in range(bench.repetitions):
        sample = measure([*command, "--every", str(every)], run.RESULTS, run.environment(), log)
        if sample.code:
            taken.append(sample)
            continue
        said = json.loads(log.read_text(encoding="utf-8").strip().splitlines()[-1])
        once = sample.cpu - said["sampled"] - said["loading"]
        cpu = once + said["loading"] * load + said["sampled"] * models / said["models"]
        taken.append(Sample(round(sample.wall * cpu / sample.cpu, 2), round(cpu, 2), sample.rss, 0))
    bench.keep(COLD, models, f"{name}, 1 in {every} models, scaled", taken)


def installed() -> Path:
    """SQLMesh's Python, installed at first use."""
    python = SQLMESH / "bin" / "python"
    if not python.exists():
        print("installing SQLMesh for comparison …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(SQLMESH)], check=True)
        subprocess.run([str(SQLMESH / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "sqlmesh"], check=True)
    return python


def verdicts(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """The bars of the specification."""
    for case, limit in ((COLD, 7.0), (WARM, 0.3)):
        sample = tables.find(rows, case, 1000, "orc lineage --check")
        value = None if sample is None else float("inf") if sample.code else sample.cpu
        yield tables.verdict(f"{case}, 1,000 models, 17,000 columns", value, limit, "s CPU")


def shown(result: Mapping[str, Any]) -> str:
    """Everything of a result, as Markdown."""
    rows = result["rows"]
    listed = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    cold = next((tables.best(r).cpu for r in rows if r["case"] == COLD and r["tool"].startswith("orc")), None)

    def times(row: Mapping[str, Any]) -> str:
        best = tables.best(row)
        return f"{best.cpu / cold:.1f}x" if cold and not best.code and row["case"] == COLD else "-"

    # No wall seconds: those of a sample cannot be scaled where other things run on the machine.
    lines = [[r["case"], f"{r['models']:,}", r["tool"], *tables.cell(tables.best(r))[::2], times(r)] for r in rows]
    parts = [
        f"{result['date']}, {result['cores']} cores, {result['system']}, load {result['load at start']} at the start. {listed}.",
        tables.table(["what", "models", "who", "CPU s", "MB", "CPU over orc's, cold"], lines),
        tables.table(["bar", "limit", "orc", ""], [*verdicts(rows)]),
    ]
    return "\n\n".join(parts)


def versions(*, sqlmesh: bool) -> dict[str, str]:
    found = {"python": platform.python_version(), "sqlglot": version("sqlglot"), "sqlglotc": version("sqlglotc")}
    if sqlmesh:
        code = "from importlib.metadata import version as v; print(v('sqlmesh'), v('sqlglot'))"
        words = subprocess.run([str(installed()), "-c", code], check=True, capture_output=True, text=True).stdout.split()
        found |= {"SQLMesh": words[0], "its sqlglot": words[1]}
    return found


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """All cases, and the file they are kept in."""
    (run.RESULTS / "home").mkdir(parents=True, exist_ok=True)
    models = 100 if arguments.quick else arguments.models
    bench = Bench(1 if arguments.quick else arguments.repetitions)
    sqlmesh = "sqlmesh" in arguments.tools
    found = versions(sqlmesh=sqlmesh)
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    ours(bench, models)
    others(bench, models, sqlmesh=sqlmesh)
    result = {
        "date": begun.strftime("%Y-%m-%d %H:%M UTC"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load at start": round(load, 2),
        "versions": found,
        "rows": bench.rows,
    }
    path = run.RESULTS / f"lineage-{begun:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"\nkept in {path}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 models, one repetition")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=3, help="of each case; the lowest counts")
    parser.add_argument("--tools", nargs="*", choices=["sqlmesh"], default=["sqlmesh"])
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
