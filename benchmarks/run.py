"""Measure orc and dbt-core side by side on the same generated projects, in one run.

    python benchmarks/run.py                     # everything but dbt on 5,000 models; 10 to 20 minutes
    python benchmarks/run.py --quick             # 100 models only: does the harness work?
    python benchmarks/run.py --with-dbt-5000     # dbt on 5,000 models too
    python benchmarks/run.py --readme            # also write the tables into benchmarks/README.md
    python benchmarks/run.py --show results/x.json [--readme]    # tables of an earlier run

Run it with the Python that has orc's dependencies. dbt-core (below 1.12, the last that installs from PyPI alone) gets an
environment of its own in ``benchmarks/results/.venv-dbt``, with the same duckdb as ours; nothing is installed into ours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import tables
from measure import Sample, measure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
PEER = RESULTS / ".venv-dbt"
SEED = 7
SHORT, LONG = 5, 3


@dataclass(frozen=True)
class Tool:
    """A program under test. ``caches`` are what it keeps in a project between two commands."""

    name: str
    command: tuple[str, ...]
    caches: tuple[str, ...]
    env: Mapping[str, str]

    def line(self, project: Path, *words: str) -> list[str]:
        return [*self.command, *words, "--project-dir", str(project), "--profiles-dir", str(project)]


@dataclass(frozen=True)
class Case:
    """One row: a command of each tool on a project of its own, with what has to be done before each execution (not measured)."""

    name: str
    models: int
    words: Mapping[str, tuple[str, ...]]
    before: Callable[[Tool, Path], None]
    repetitions: int
    plain: bool = False


class Bench:
    """Where projects, logs and results lie, and who is measured."""

    def __init__(self, tools: Sequence[Tool], repetitions: int | None) -> None:
        self.tools = tools
        self.repetitions = repetitions
        self.rows: list[dict[str, object]] = []
        self.edits = 0

    def project(self, tool: str, models: int, *, plain: bool = False) -> Path:
        """The generated project of a tool, written at first use: two tools never share one, so neither sees the other's files."""
        folder = RESULTS / "projects" / f"{tool}-{models}{'-plain' if plain else ''}"
        made, recipe = folder / "made", hashlib.sha256()
        for name in ("shop", "model", "generate"):
            recipe.update((HERE / f"{name}.py").read_bytes())
        if not made.exists() or made.read_text(encoding="utf-8") != recipe.hexdigest():
            shutil.rmtree(folder, ignore_errors=True)
            words = [str(HERE / "generate.py"), str(folder), "--models", str(models), "--seed", str(SEED), *(["--plain"] if plain else [])]
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            fresh_warehouse(folder)
            made.write_text(recipe.hexdigest(), encoding="utf-8")
        return folder

    def measured(self, tool: Tool, case: Case, command: Sequence[str], cwd: Path) -> Sample:
        log = RESULTS / "logs" / f"{tool.name}-{case.name.replace(' ', '-')}-{case.models}.log"
        return measure(command, cwd, tool.env, log)

    def quietly(self, tool: Tool, project: Path, *words: str) -> None:
        """Run a command that prepares a case; its outcome shows in the case itself."""
        measure(tool.line(project, *words), project, tool.env, RESULTS / "logs" / f"{tool.name}-prepare.log")

    def take(self, case: Case) -> None:
        """Measure a case, the tools taking turns, and keep the row."""
        samples: dict[str, list[Sample]] = {}
        playing = [t for t in self.tools if t.name in case.words]
        for _ in range(self.repetitions or case.repetitions):
            for tool in playing:
                project = self.project(tool.name, case.models, plain=case.plain) if case.models else RESULTS
                case.before(tool, project)
                words = case.words[tool.name]
                command = tool.line(project, *words) if case.models else [*tool.command, *words]
                samples.setdefault(tool.name, []).append(self.measured(tool, case, command, project))
        for name, taken in samples.items():
            self.keep(case.name, case.models, name, taken)

    def keep(self, case: str, models: int, tool: str, taken: Sequence[Sample]) -> None:
        row = {"case": case, "models": models, "tool": tool, "samples": [asdict(s) for s in taken]}
        self.rows.append(row)
        best = tables.best(row)
        failed = f"  EXIT {[s.code for s in taken]}" if any(s.code for s in taken) else ""
        print(f"{case:40} {models:>5} {tool:14} cpu {best.cpu:7.3f}  wall {best.wall:7.3f}  {best.rss:6.0f} MB{failed}", flush=True)

    # What happens before an execution.

    def nothing(self, tool: Tool, project: Path) -> None:
        pass

    def cold(self, tool: Tool, project: Path) -> None:
        for cache in tool.caches:
            shutil.rmtree(project / cache, ignore_errors=True)
        shutil.rmtree(RESULTS / "home", ignore_errors=True)
        (RESULTS / "home").mkdir(parents=True)

    def warm(self, tool: Tool, project: Path) -> None:
        """Make sure what is measured next finds a cache of exactly this state of the files."""
        self.quietly(tool, project, "parse")

    def undocumented(self, tool: Tool, project: Path) -> None:
        """Neither a cache nor a site."""
        self.cold(tool, project)
        shutil.rmtree(project / "target" / "docs", ignore_errors=True)

    def documented(self, tool: Tool, project: Path) -> None:
        """A site of exactly this state of the files."""
        self.quietly(tool, project, "docs", "generate", "--offline")

    def touched(self, tool: Tool, project: Path) -> None:
        """Every file as new as after a checkout in CI that restored the cache: other times, same content."""
        self.warm(tool, project)
        for path in (project / "models").rglob("*.*"):
            path.touch()

    def edited(self, tool: Tool, project: Path) -> None:
        """A real change of one model that a good part of the project reads: a new condition, never the same twice."""
        self.warm(tool, project)
        model = min((project / "models" / "staging").rglob("stg_*.sql"))
        self.edits += 1
        text = model.read_text(encoding="utf-8").split("\nwhere 1 <")[0].rstrip("\n")
        model.write_text(f"{text}\nwhere 1 < {os.getpid()}{self.edits:04}\n", encoding="utf-8")

    def unbuilt(self, tool: Tool, project: Path) -> None:
        """An empty warehouse, a warm cache, and no statements of an earlier run on record."""
        fresh_warehouse(project)
        for record in ("run", "compiled"):
            shutil.rmtree(project / "target" / record, ignore_errors=True)
        self.warm(tool, project)


def fresh_warehouse(project: Path) -> None:
    """The database of a project as it was at first: the sources only."""
    for old in project.glob("warehouse.duckdb*"):
        old.unlink()
    code = "import sys; sys.path.insert(0, sys.argv[1]); import pathlib, generate; generate.load(pathlib.Path(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, str(HERE), str(project)], check=True)


def both(*words: str) -> dict[str, tuple[str, ...]]:
    return {"orc": words, "dbt": words}


def parsing(bench: Bench, sizes: Sequence[int], *, dbt_5000: bool) -> Iterator[Case]:
    """The cases of start-up and parsing."""
    yield Case("--help", 0, both("--help"), bench.nothing, SHORT)
    for models in sizes:
        peers = {t.name for t in bench.tools} - ({"dbt"} if models >= 5000 and not dbt_5000 else set())
        parse, ls = ({k: v for k, v in both(word).items() if k in peers} for word in ("parse", "ls"))
        yield Case("parse, cold", models, parse, bench.cold, LONG)
        yield Case("parse, warm", models, parse, bench.warm, SHORT)
        yield Case("ls, warm", models, ls, bench.warm, SHORT)
        yield Case("parse, one model changed", models, parse, bench.edited, SHORT)
        yield Case("parse, fresh checkout", models, parse, bench.touched, LONG)
        for case, before in (("cold", bench.undocumented), ("warm", bench.documented)):
            yield Case(f"docs generate --offline, {case}", models, {"orc": ("docs", "generate", "--offline")}, before, LONG)
        yield Case("parse, cold, plain table names", models, {"orc": ("parse",)}, bench.cold, LONG, plain=True)


def running(bench: Bench, models: int) -> None:
    """The cases of a whole run, each of orc's beside its floors."""
    bench.take(Case("run with tests, first", models, {"orc": ("run",), "dbt": ("build",)}, bench.unbuilt, LONG))
    floors(bench, models, "run with tests, first", ("same",))
    bench.take(Case("run with tests, again", models, {"orc": ("run",), "dbt": ("build",)}, bench.nothing, LONG))
    bench.take(Case("run without tests, first", models, {"orc": ("run", "--no-gates"), "dbt": ("run",)}, bench.unbuilt, LONG))
    floors(bench, models, "run without tests, first", ("same", "bare"))


def floors(bench: Bench, models: int, case: str, kinds: Sequence[str]) -> None:
    """Send a run's statements by hand. ``same`` needs orc's record of them; ``bare`` can be had from either tool."""
    present = {t.name: t for t in bench.tools}
    for what in kinds:
        tool = present.get("orc") or (present["dbt"] if what == "bare" else None)
        if tool is None:
            continue
        folder = RESULTS / "projects" / f"floor-{what}-{models}"
        script = [sys.executable, str(HERE / "floor.py")]
        for threads in ((), ("--threads", "1")):
            taken = []
            for _ in range(bench.repetitions or LONG):
                preparing = [*script, "prepare", str(bench.project(tool.name, models)), str(folder), "--what", what]
                prepared = subprocess.run(preparing, check=False, capture_output=True, text=True)
                if prepared.returncode:
                    print(f"{case}: no floor `{what}`: {prepared.stderr.strip().splitlines()[-1:]}")
                    return
                log = RESULTS / "logs" / f"floor-{what}.log"
                taken.append(measure([*script, "send", str(folder), *threads], folder, tool.env, log))
            sent = prepared.stdout.strip()
            name = f"floor, {sent} {'statements of orc' if what == 'same' else 'bare creates'}{', 1 thread' if threads else ''}"
            bench.keep(case, models, name, taken)


def orc(env: Mapping[str, str]) -> Tool:
    return Tool("orc", (sys.executable, "-m", "orchestrator"), (".orchestrator", "target", "logs"), {**env, "PYTHONPATH": str(ROOT)})


def dbt(env: Mapping[str, str]) -> Tool:
    """The peer, installed at first use."""
    program = PEER / "bin" / "dbt"
    if not program.exists():
        print("installing dbt-core for comparison …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
        wanted = ["dbt-core<1.12", "dbt-duckdb", f"duckdb=={version('duckdb')}"]
        subprocess.run([str(PEER / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
    return Tool("dbt", (str(program),), ("target", "logs"), {**env, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})


def environment() -> dict[str, str]:
    """What a tool may see of ours: nothing that configures it, a home without profiles or caches."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "TMPDIR"}}
    return {**kept, "HOME": str(RESULTS / "home"), "NO_COLOR": "1"}


def versions() -> dict[str, str]:
    """What was compared, as installed."""
    found = {"python": platform.python_version()}
    for package in ("sql-orchestrator", "sqlglot", "sqlglotc", "duckdb"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "source tree" if package == "sql-orchestrator" else "none"
    if PEER.exists():
        code = "from importlib.metadata import version as v; print(*(f'{p}={v(p)}' for p in ('dbt-core', 'dbt-duckdb', 'duckdb')))"
        listing = subprocess.run([str(PEER / "bin" / "python"), "-c", code], check=True, capture_output=True, text=True).stdout
        for word in listing.split():
            name, _, number = word.partition("=")
            found["dbt's duckdb" if name == "duckdb" else name] = number
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 models, one repetition")
    parser.add_argument("--models", type=int, nargs="+", default=[100, 1000, 5000], help="sizes for the parsing cases")
    parser.add_argument("--run-models", type=int, default=500, help="size for the run cases, 0 for none")
    parser.add_argument("--repetitions", type=int, help=f"of each case (default {SHORT}, {LONG} for the long ones); the lowest counts")
    parser.add_argument("--tools", nargs="+", choices=["orc", "dbt"], default=["orc", "dbt"])
    parser.add_argument("--with-dbt-5000", action="store_true", help="measure dbt on 5,000 models too (10 minutes more)")
    parser.add_argument("--show", type=Path, metavar="JSON", help="measure nothing, print the tables of this result")
    parser.add_argument("--readme", action="store_true", help="write the tables into benchmarks/README.md")
    arguments = parser.parse_args()
    if arguments.show:
        result = json.loads(arguments.show.read_text(encoding="utf-8"))
    else:
        result = measured(arguments)
    text = tables.tables(result)
    print("\n" + text)
    if arguments.readme:
        readme = HERE / "README.md"
        readme.write_text(tables.inserted(readme.read_text(encoding="utf-8"), text), encoding="utf-8")
    return int(tables.missed(result))


def measured(arguments: argparse.Namespace) -> dict[str, object]:
    """All cases, and the file they are kept in."""
    (RESULTS / "home").mkdir(parents=True, exist_ok=True)
    env = environment()
    tools = [{"orc": orc, "dbt": dbt}[name](env) for name in arguments.tools]
    sizes, run_models, repetitions = arguments.models, arguments.run_models, arguments.repetitions
    if arguments.quick:
        sizes, run_models, repetitions = [100], min(run_models, 100), repetitions or 1
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    bench = Bench(tools, repetitions)
    # Once unmeasured: byte code is compiled at install time for users, too.
    for tool in tools:
        measure([*tool.command, "--help"], RESULTS, tool.env, RESULTS / "logs" / f"{tool.name}-prepare.log")
    for case in parsing(bench, sizes, dbt_5000=arguments.with_dbt_5000):
        bench.take(case)
    if run_models:
        running(bench, run_models)
    result = {
        "date": begun.strftime("%Y-%m-%d %H:%M UTC"),
        "minutes": round((datetime.now(UTC) - begun).total_seconds() / 60, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load at start": round(load, 2),
        "seed": SEED,
        "versions": versions(),
        "rows": bench.rows,
    }
    path = RESULTS / f"{begun:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"\nkept in {path}")
    return result


if __name__ == "__main__":
    sys.exit(main())
