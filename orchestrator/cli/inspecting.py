"""Commands that look and tell: ls, parse, compile, show, debug."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.core.errors import Problem

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.core.plan import Estimate, Plan


def _warn(workspace: Workspace, found: tuple[Problem, ...], given: dict[str, Any]) -> None:
    """Warnings, with code frames, on stderr."""
    if found and not given.get("quiet"):
        from orchestrator.cli.complaints import told
        from orchestrator.cli.wire import environment
        from orchestrator.report.console import colourful

        click.echo(told(found, workspace.invocation.root, colour=colourful(sys.stderr, environment(given))), err=True)


@orc.command("ls")
@o.selection
@o.output
@o.output_keys
@o.earlier
@o.project
@o.console
def ls(**given: Any) -> int:
    """List resources, as a dry run of any selection.

    With `--output mermaid` or `dot` the chosen ones are a diagram, with the edges between them.
    """
    from orchestrator.app import selection
    from orchestrator.cli import wire
    from orchestrator.graph.listing import listing

    workspace = opened(given, "ls")
    found = selection(workspace, wire.request(given, "ls"))
    ids = frozenset(i for i in found.ids if workspace.graph.nodes[i].kind != "operation")
    _warn(workspace, found.warnings, given)
    if given["output"] in ("mermaid", "dot"):
        from orchestrator.report.drawn import drawn

        click.echo(drawn(workspace.graph, ids, given["output"]))
    else:
        keys = [k for words in given["output_keys"] for k in words.replace(",", " ").split()]
        click.echo("\n".join(listing(workspace.graph, ids, given["output"], keys or None)))
    if not ids:
        click.echo("No nodes selected!", err=True)
    return 0


@orc.command()
@o.project
@o.console
def parse(**given: Any) -> int:
    """Check the whole project; write target/manifest.json."""
    from orchestrator.app import counts
    from orchestrator.app.artifacts import write_current_manifest

    workspace = opened(given, "parse")
    write_current_manifest(workspace)
    _warn(workspace, workspace.graph.warnings, given)
    if not given["quiet"]:
        found = ", ".join(
            f"{n} {kind.replace('_', ' ')}{'s' if n != 1 else ''}" for kind, n in counts(workspace.graph).items() if kind != "operation"
        )
        click.echo(f"Found {found}", err=True)
    return 0


@orc.command("compile")
@o.selection
@click.option("--inline", help="Compile this query instead of a node.")
@click.option("--dry-run", is_flag=True, help="Ask the engine whether each model's query is right, and what it would process.")
@click.option("--offline", is_flag=True, help="The same without the engine: BigQuery's SQL, judged by Google's own analyzer.")
@o.running
@o.earlier
@o.environment
@o.project
@o.console
def compile_(**given: Any) -> int:
    """Write the final SQL of models and tests to target/compiled."""
    from orchestrator.app import selection
    from orchestrator.app.asking import compiled, inline
    from orchestrator.cli import wire

    workspace = opened(given, "compile")
    if given.get("inline"):
        click.echo(inline(workspace, given["inline"], wire.request(given, "compile")))
        return 0
    request = wire.request(given, "compile")
    if given["offline"]:
        from orchestrator.app.columns.offline import offline

        return _told(workspace, tuple(offline(workspace, request)), given)
    if given["dry_run"]:
        return _dry_run(workspace, given)
    texts = compiled(workspace, request)
    _warn(workspace, (*workspace.graph.warnings, *selection(workspace, request).warnings), given)
    if given["select"] and len(texts) == 1:
        click.echo(next(iter(texts.values())))
    elif not given["quiet"]:
        click.echo(f"Compiled {len(texts)} nodes to {workspace.project.settings.target_path}/compiled", err=True)
    return 0


@orc.command()
@o.selection
@click.option("--explain", is_flag=True, help="Print every statement that would be sent.")
@click.option("--dry-run/--no-dry-run", "dry_run", default=None, help="Ask the engine about each query (default: where that is free).")
@click.option("--since", metavar="REVISION", help="Only what differs from a revision of git (git:main), and who reads of it.")
@click.option("--widen", is_flag=True, help="With --since: everything below a change, whatever it reads.")
@click.option("--simulate", metavar="threads=N,…", help="How long it would take with so many threads, as the last builds went.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 when something is added, modified or removed.")
@click.option("--output", "--format", "output", type=click.Choice(["text", "json"]), default="text", help="How to print the plan.")
@o.building
@o.sample
@o.max_bytes
@o.running
@o.earlier
@o.environment
@o.project
@o.console
def plan(**given: Any) -> int:
    """Say what a build would do, and why; change nothing."""
    from orchestrator.app import prepare
    from orchestrator.app.compare.since import against, compared, only, seconds
    from orchestrator.app.environments.sampled import told
    from orchestrator.app.past.forecasting import forecasting
    from orchestrator.app.planning import estimates, within_budget
    from orchestrator.cli import wire
    from orchestrator.plan.changes import changes, timed
    from orchestrator.report.planned import Compared, as_json, planned

    threads = _threads(given["simulate"]) if given["simulate"] is not None else ()
    workspace = opened(given, "plan")
    request = wire.request(given, "build")
    earlier = against(workspace, request, given["since"], widen=given["widen"])
    chosen = bool(request.select or request.exclude or request.selector)
    ready = prepare(workspace, request, only(workspace, earlier.rebuild) if earlier is not None and not chosen else None)
    history, target = wire.history(workspace.invocation.root), workspace.project.target.name
    try:
        work = forecasting(ready.plan, target, [history])
        if threads:
            return _simulated(work, workspace, threads, given)
        if request.max_bytes is not None:
            within_budget(ready, request.max_bytes)
        ask = given["dry_run"] if given["dry_run"] is not None else workspace.dialect.estimates
        asked = {e.node: e for e in estimates(ready)} if ask else {}
    finally:
        ready.warehouse.close()
    since = earlier.rebuild if earlier is not None else None
    graph = ready.workspace.graph
    found = changes(ready.plan, graph, ready.snapshot, whole=not chosen, since=since, full_refresh=request.full_refresh)
    found = compared(found, earlier)
    found = timed(found, seconds(history, target))
    _warn(workspace, ready.warnings, given)
    _tell(told(ready.workspace, request, ready.sample))
    if given["output"] == "json":
        click.echo(as_json(ready.plan, found, asked))
    else:
        below = tuple(graph.nodes[id_].name for id_ in since.unaffected) if since else ()
        with_ = Compared(earlier.name, below) if earlier is not None else None
        colour, explain = _colourful(given), given["explain"]
        click.echo(planned(work, found, asked, target, explain=explain, against=with_, width=_width(), colour=colour))
    problems = tuple(e.problem for e in asked.values() if e.problem is not None)
    _warn(workspace, problems, given)
    if problems:
        return 1
    return CHANGED if given["exit_code"] and any(c.what != "unchanged" for c in found) else 0


def _threads(text: str) -> tuple[int, ...]:
    """The numbers of ``threads=4,16``."""
    name, _, numbers = text.partition("=")
    words = [word.strip() for word in numbers.split(",")]
    if name.strip() != "threads" or not all(word.isdecimal() and 0 < int(word) <= 10_000 for word in words):
        raise click.BadParameter(f"`{text}` is not how many threads: --simulate threads=16, or threads=4,8,16", param_hint="--simulate")
    return tuple(dict.fromkeys(int(word) for word in words))


def _simulated(work: Plan, workspace: Workspace, threads: Sequence[int], given: dict[str, Any]) -> int:
    """The plan, run on paper with its own number of threads and others."""
    from orchestrator.graph.simulate import simulate
    from orchestrator.report.simulated import as_json, simulated

    if not work.forecast:
        click.echo("Nothing is known of how long this takes: too little to build, or it was never built here", err=True)
    counts = sorted({work.threads, *threads}) if work.forecast else ()
    found = [simulate(work.forecast.needs, work.forecast.seconds, count) for count in counts]
    names = {id_: node.name for id_, node in workspace.graph.nodes.items()}
    if given["output"] == "json":
        click.echo(as_json(found, work.forecast))
    elif found:
        click.echo(simulated(found, work.forecast, names, width=_width()))
    return 0


CHANGED = 3
"""The exit code of ``plan --exit-code`` when there are changes."""


def _dry_run(workspace: Workspace, given: dict[str, Any]) -> int:
    """A line for each model: what the engine says about its query."""
    from orchestrator.app import prepare
    from orchestrator.app.planning import estimates
    from orchestrator.cli import wire

    ready = prepare(workspace, wire.request(given, "run"))
    try:
        found = tuple(estimates(ready))
    finally:
        ready.warehouse.close()
    return _told(workspace, found, given)


def _told(workspace: Workspace, found: Sequence[Estimate], given: dict[str, Any]) -> int:
    from orchestrator.report.planned import asked

    click.echo(asked(found))
    problems = tuple(e.problem for e in found if e.problem is not None)
    _warn(workspace, problems, given)
    return 1 if problems else 0


@orc.command()
@o.selection
@click.option("--inline", help="Show this query instead of a node.")
@click.option("--limit", default=5, show_default=True, help="How many rows; -1 for all.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print the rows.")
@o.running
@o.earlier
@o.environment
@o.project
@o.console
def show(**given: Any) -> int:
    """Show the first rows of a model, seed, test or any query."""
    from orchestrator.app.asking import shown
    from orchestrator.cli import wire

    workspace = opened(given, "show")
    print_rows(shown(workspace, wire.request(given, "show"), given.get("inline"), given["limit"]), json=given["output"] == "json")
    return 0


def print_rows(found: Iterable[tuple[str, Sequence[str], Sequence[Sequence[Any]]]], *, json: bool = False) -> None:
    """Rows on stdout, each node's name before them on stderr."""
    from orchestrator.report.table import as_json, table

    for name, columns, rows in found:
        if json:
            click.echo(as_json(columns, rows))
        else:
            click.echo(f"{name}", err=True)
            click.echo(table(columns, rows, width=_width()))


@orc.command()
@click.option("--connection", is_flag=True, help="Check the connection only.")
@o.project
@o.console
def debug(**given: Any) -> int:
    """Check the installation, the profile and the connection."""
    from orchestrator.app.checkup import checkup
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    ok = True
    for passed, what, detail in checkup(lambda: wire.invocation(given, "debug"), connection_only=given["connection"]):
        ok &= passed
        first, *more = detail.split("\n")
        click.echo("\n".join([f"{'OK   ' if passed else 'ERROR'}  {what}: {first}", *(f"       {line}" for line in more)]))
    click.echo("\nAll checks passed." if ok else "\nSomething is wrong: see the line marked ERROR.")
    return 0 if ok else 1


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _colourful(given: dict[str, Any]) -> bool:
    from orchestrator.cli.wire import environment
    from orchestrator.report.console import colourful

    return colourful(sys.stdout, environment(given))


def _width() -> int | None:
    """The terminal's width, or ``None`` when nobody looks."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
