"""`orc run --stale` when there is nothing new: what it costs to find out.

    python benchmarks/stale.py                 # a quarter of an hour, most of it the first build of 5,000 models
    python benchmarks/stale.py --models 200    # half a minute
    python benchmarks/stale.py --folder DIR    # a project that an earlier call has built

Prints a row for the table in README.md. Beside it stands `orc ls` on the same project at the same moment: a busy machine shows in both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from measure import Sample, measure

HERE = Path(__file__).parent
REPETITIONS = 5


def built(folder: Path, models: int) -> None:
    """A generated project with fields that say when sources were loaded, built once."""
    subprocess.run([sys.executable, str(HERE / "generate.py"), str(folder), "--models", str(models), "--seed", "7", "--load"], check=True)
    sources = folder / "models" / "staging" / "_sources.yml"
    sources.write_text(sources.read_text().replace("  - name: raw\n", "  - name: raw\n    loaded_at_field: updated_at\n", 1))
    subprocess.run([*ORC, "run", "--no-gates", "--stale", "-q"], cwd=folder, env=environment(), check=True)
    subprocess.run([*ORC, "run", "--stale", "-q"], cwd=folder, env=environment(), check=True)


ORC = (sys.executable, "-m", "orchestrator")


def environment() -> dict[str, str]:
    """This repository's own package, whatever is installed."""
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


def row(what: str, models: int, samples: list[Sample]) -> str:
    """One row of the table: medians."""
    cpu, wall, rss = (statistics.median(getattr(s, name) for s in samples) for name in ("cpu", "wall", "rss"))
    return f"| {what} | {models:,} | {cpu:.2f} | {wall:.2f} | {rss:.0f} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = (given.folder or HERE / "results" / "projects" / f"stale-{given.models}").resolve()
    if given.folder is None:
        built(folder, given.models)
    log = folder / "target" / "bench.log"
    timed: dict[str, list[Sample]] = {"run --stale, nothing new": [], "ls, warm": []}
    for _ in range(REPETITIONS):
        timed["run --stale, nothing new"].append(measure([*ORC, "run", "--stale"], folder, environment(), log))
        if f"REUSED={given.models} TOTAL={given.models}" not in log.read_text():
            print(log.read_text()[-2000:], file=sys.stderr)
            return 1
        timed["ls, warm"].append(measure([*ORC, "ls"], folder, environment(), log))
    load = os.getloadavg()[0]
    print(f"load {load:.1f}, {os.cpu_count()} cores\n")
    print("| what | models | CPU s | wall s | MB |\n|---|---|---|---|---|")
    for what, samples in timed.items():
        print(row(what, given.models, samples))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
