"""`orc ci` on a project of 1,000 models in a repository of git: what a review costs besides the SQL.

    python benchmarks/ci.py                 # ten minutes, most of it the build of production
    python benchmarks/ci.py --quick         # 100 models, once: does the harness work?
    python benchmarks/ci.py --readme        # also write the table into benchmarks/README.md
    python benchmarks/ci.py --show results/ci-x.json [--readme]

Production is built once. A change is made, the project opened once (as in CI that keeps ``.orchestrator/cache``), then `orc ci` is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import run
import tables
from measure import measure

OPENING, CLOSING = "<!-- ci: written by ci.py --readme -->", "<!-- end of ci -->"
UNTOUCHED, LAYOUT, ONE, FRESH = "nothing changed", "a comment in one model", "an expression of one model", "the same, no cache of before"
LIMIT = 3.0
"""Seconds of CPU, the engine's included."""


@dataclass
class Bench:
    """The repository under test, and what came out."""

    repetitions: int
    rows: list[dict[str, Any]] = field(default_factory=list)


def repository(models: int) -> Path:
    """A project of its own with a production, committed."""
    tool = run.orc(run.environment())
    folder = run.RESULTS / "projects" / f"ci-{models}"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, str(run.HERE / "generate.py"), str(folder), "--models", str(models), "--seed", str(run.SEED)], check=True
    )
    run.fresh_warehouse(folder)
    (folder / ".gitignore").write_text(".orchestrator/\ntarget/\nlogs/\n*.duckdb*\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "production")
    subprocess.run(tool.line(folder, "build", "-q"), check=True, env=dict(tool.env), cwd=folder)
    git(folder, "checkout", "-q", "-b", "change")
    return folder


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, env=dict(run.environment()))


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def leaf(folder: Path) -> Path:
    """A model at the end of the graph that adds something up."""
    return max(p for p in (folder / "models" / "marts").rglob("*.sql") if "coalesce(" in p.read_text(encoding="utf-8"))


def untouched(folder: Path) -> None:
    git(folder, "checkout", "-q", ".")


def commented(folder: Path) -> None:
    untouched(folder)
    model = leaf(folder)
    model.write_text(f"-- {datetime.now(UTC).isoformat()}\n{model.read_text(encoding='utf-8')}", encoding="utf-8")


def changed(folder: Path) -> None:
    untouched(folder)
    model = leaf(folder)
    text = model.read_text(encoding="utf-8")
    before, _, after = text.rpartition("coalesce(")
    model.write_text(f"{before}1 + coalesce({after}", encoding="utf-8")


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """All cases, and the file they are kept in."""
    (run.RESULTS / "home").mkdir(parents=True, exist_ok=True)
    models = 100 if arguments.quick else arguments.models
    bench = Bench(1 if arguments.quick else arguments.repetitions)
    folder, tool = repository(models), run.orc(run.environment())
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    cases: Sequence[tuple[str, Callable[[Path], None], bool]] = (
        (UNTOUCHED, untouched, True),
        (LAYOUT, commented, True),
        (ONE, changed, True),
        (FRESH, changed, False),
    )
    for case, before, kept in cases:
        taken = []
        for _ in range(bench.repetitions):
            untouched(folder)
            shutil.rmtree(folder / ".orchestrator" / "cache", ignore_errors=True)
            if kept:
                subprocess.run(tool.line(folder, "lineage", "--check"), check=True, env=dict(tool.env), stdout=subprocess.DEVNULL)
            before(folder)
            taken.append(measure(tool.line(folder, "ci", "-q"), folder, tool.env, run.RESULTS / "logs" / "ci.log"))
        bench.rows.append({"case": case, "models": models, "tool": "orc ci", "samples": [asdict(s) for s in taken]})
        best = tables.best(bench.rows[-1])
        print(f"{case:32} {models:>5} cpu {best.cpu:8.3f}  {best.rss:6.0f} MB  exit {best.code}", flush=True)
    result = {
        "date": begun.strftime("%Y-%m-%d %H:%M UTC"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load at start": round(load, 2),
        "versions": {"python": platform.python_version(), "duckdb": version("duckdb"), "sqlglot": version("sqlglot")},
        "rows": bench.rows,
    }
    path = run.RESULTS / f"ci-{begun:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"\nkept in {path}")
    return result


def verdicts(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """The bars of the specification."""
    for case in (UNTOUCHED, LAYOUT, ONE):
        sample = tables.find(rows, case, 1000, "orc ci")
        value = None if sample is None else float("inf") if sample.code else sample.cpu
        yield tables.verdict(f"{case}, 1,000 models, the SQL included", value, LIMIT, "s CPU")


def shown(result: Mapping[str, Any]) -> str:
    """Everything of a result, as Markdown."""
    listed = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [[r["case"], f"{r['models']:,}", *tables.cell(tables.best(r))] for r in result["rows"]]
    parts = [
        f"{result['date']}, {result['cores']} cores, {result['system']}, load {result['load at start']} at the start. {listed}.",
        tables.table(["what", "models", "CPU s", "wall s", "MB"], lines),
        tables.table(["bar", "limit", "orc", ""], [*verdicts(result["rows"])]),
    ]
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 models, one repetition")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=3, help="of each case; the lowest counts")
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
