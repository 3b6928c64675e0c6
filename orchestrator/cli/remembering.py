"""Commands about past runs: runs, logs, why."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.completing import node_words
from orchestrator.cli.main import orc
from orchestrator.core.errors import Problem, UsageError

STATUSES = ("running", "passed", "failed", "cancelled", "interrupted")
EVERY = 1_000_000
"""More runs than anybody remembers."""

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.command()
@click.argument("what", required=False, metavar="[show|prune]")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.argument("node", required=False, metavar="[NODE]", shell_complete=node_words)
@click.option("--status", type=click.Choice(STATUSES), metavar="STATUS", help="Only runs that are, or ended, so.")
@click.option("--since", metavar="TIME", help="Only runs since then: 2h, 7d, 2026-01-31.")
@click.option("--trigger", metavar="WORD", help="Only runs that this began, as `orc runs --output json` says it.")
@click.option("--limit", default=20, show_default=True, help="How many runs.")
@click.option("--keep", metavar="DURATION", help="With prune: forget what is older (default: `keep` of the project).")
@click.option("--dry-run", is_flag=True, help="With prune: only list what would be forgotten.")
@click.option("--audit-before", metavar="TIME", help="With prune: also rows of the audit before then; one row says so.")
@OUTPUT
@o.project
@o.console
def runs(**given: Any) -> int:
    r"""List past runs; show what one did; forget old ones.

    RUN is an id, the beginning of one, or `last`.

    \b
    orc runs --status failed --since 7d   which failed
    orc runs show last                    what the last one did and said
    orc runs show last orders             one node: attempts, texts, SQL
    orc runs prune --keep 90d             forget what is older
    """
    from orchestrator.app.past.chronicle import as_data, chronicle, part, part_data, recorded

    history, now, root = _opened(given, "runs")
    match given["what"]:
        case None:
            return _list(history, now, given)
        case "prune":
            return _prune(history, now, root, given)
        case "show":
            run_id, node = given["run_id"], given["node"]
        case other:
            run_id, node = other, given["run_id"]
    found = chronicle(history, recorded(history, run_id, given["target"]), now)
    if node is not None:
        one = part(found, node)
        if given["output"] == "json":
            return _json({"run": found.run.id, **part_data(one, now, texts=True)})
        from orchestrator.report.chronicle import node_page

        click.echo(node_page(found, one, _texts(root), colour=_colourful(given), width=_columns()))
        return 0
    if given["output"] == "json":
        return _json(as_data(found))
    from orchestrator.report.chronicle import page

    click.echo(page(found, _texts(root), colour=_colourful(given), width=_columns()))
    return 0


@orc.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@click.argument("node", required=False, metavar="[NODE]", shell_complete=node_words)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="NUMBER", help="Only what this attempt at the node said.")
@OUTPUT
@o.project
@o.console
def logs(**given: Any) -> int:
    r"""Print what a run said, node by node and attempt by attempt.

    RUN is an id, the beginning of one, or `last` (the default); NODE narrows it to one node.

    \b
    orc logs -f                           the last run, as it goes on
    orc logs last orders --attempt 2      what the second attempt at `orders` said
    """
    from orchestrator.app.past.chronicle import logged, name, recorded
    from orchestrator.report.chronicle import log_line

    history, _, _ = _opened(given, "logs")
    run_id, node = given["run_id"], given["node"]
    if node is None and run_id not in (None, "last") and history.run(run_id) is None:
        run_id, node = "last", run_id  # `orc logs orders`: one word may be either
    run = recorded(history, run_id, given["target"])
    if node is not None and not any(node in (id_, name(id_), id_.split(".")[2]) for id_ in run.planned):
        from orchestrator.core.errors import did_you_mean

        hint = did_you_mean(node, [name(id_) for id_ in run.planned])
        raise UsageError(Problem("U080", f"run {run.id[:8]} has no node `{node}`", None, hint))
    colour = _colourful(given)
    for body in logged(history, run, follow=given["follow"]):
        if not _wanted(body, node, given["attempt"]) or (body.get("level") == "debug" and not given["debug"] and given["output"] == "text"):
            continue
        line = json.dumps(body, ensure_ascii=False) if given["output"] == "json" else log_line(body, colour=colour)
        if line is not None:
            click.echo(line)
    return 0


def _wanted(body: Any, node: str | None, attempt: int | None) -> bool:
    from orchestrator.app.past.chronicle import name

    own = body.get("node")
    if node is not None and not (own and node in (own, name(own), own.split(".")[2])):
        return False
    return attempt is None or (own is not None and body.get("attempt") == attempt)


@orc.command()
@click.argument("model", shell_complete=node_words)
@click.option("--run", "run_id", metavar="RUN", help="Ask about this run (default: the last on the target).")
@OUTPUT
@o.project
@o.console
def why(**given: Any) -> int:
    r"""Tell why a model ran, was skipped, failed, or was not selected.

    With evidence: the plan's reason, what changed since it was last built well, the node that is to blame, the rows that failed a test,
    and what the warehouse's ledger says.
    """
    from orchestrator.app.past.why import as_data
    from orchestrator.app.past.why import why as asked
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened
    from orchestrator.report.why import why as told

    workspace = opened(given, "why")
    root = workspace.invocation.root
    probes = wire.evidence(root).probes.latest(workspace.project.target.name)
    found = asked(workspace, wire.history(root), given["model"], given["run_id"], probes)
    if given["output"] == "json":
        return _json(as_data(found))
    click.echo(told(found, _texts(root), colour=_colourful(given), width=_columns()))
    return 0


def _opened(given: dict[str, Any], command: str) -> tuple[Any, datetime, Path]:
    """The history, what time it is, and where the project is; the project itself is not read."""
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    invocation = wire.invocation(given, command)
    return wire.history(invocation.root), invocation.clock.now(), invocation.root


def _list(history: Any, now: datetime, given: dict[str, Any]) -> int:
    from orchestrator.app.past.chronicle import run_data, since
    from orchestrator.core.chronicle import Sought
    from orchestrator.report.table import table

    sought = Sought(given["status"], given["target"], since(given["since"], now) if given["since"] else None, given["trigger"])
    found = history.runs(given["limit"], None, sought)
    if given["output"] == "json":
        counts = [{"passed": r.counts.get("passed", 0), "warned": r.counts.get("warned", 0), **_bad(r.counts)} for r in found]
        return _json([{"run": r.id[:8], **run_data(r, now), "seconds": r.seconds, **n} for r, n in zip(found, counts, strict=True)])
    columns = ("run", "started", "command", "target", "status", "seconds", "by", "results")
    rows = [
        (
            r.id[:8],
            r.started.astimezone().strftime("%d %b %H:%M"),
            r.command,
            r.target,
            r.status,
            None if r.seconds is None else round(r.seconds, 2),
            r.trigger if ":" in r.trigger else r.actor.partition("@")[0],
            ", ".join(f"{n} {word}" for word, n in {**_bad(r.counts), "warned": r.counts.get("warned", 0), **_good(r.counts)}.items() if n),
        )
        for r in found
    ]
    click.echo(table(columns, rows, width=_columns() if sys.stdout.isatty() else None))
    return 0


def _bad(counts: Any) -> dict[str, int]:
    """Counts in the order of interest: a narrow terminal cuts the end."""
    return {"failed": counts.get("failed", 0) + counts.get("crashed", 0), "skipped": counts.get("skipped", 0) + counts.get("cancelled", 0)}


def _good(counts: Any) -> dict[str, int]:
    return {"passed": counts.get("passed", 0), "reused": counts.get("reused", 0)}


def _prune(history: Any, now: datetime, root: Path, given: dict[str, Any]) -> int:
    import os

    from orchestrator.cli import wire
    from orchestrator.load.remembering import kept, remembering

    keep = kept(given["keep"]) if given["keep"] else remembering(root, os.environ).keep
    if given["audit_before"] and not given["dry_run"]:
        _prune_audit(root, given["audit_before"], now)
        if keep is None:
            return 0
    if keep is None:
        hint = 'orc runs prune --keep 90d, or `keep = "90d"` below [tool.orchestrator.history]'
        raise UsageError(Problem("U082", "nobody says for how long runs are remembered", None, hint))
    if given["dry_run"]:
        for run in history.runs(EVERY):
            if run.started < now - keep:
                click.echo(f"Would forget {run.id[:8]}, {run.command} on {run.target} of {run.started:%Y-%m-%dT%H:%M:%SZ}", err=True)
        return 0
    count = history.prune(now - keep)
    if count:
        wire.note(root, "runs.pruned", f"before {now - keep:%Y-%m-%dT%H:%M:%SZ}", {"runs": count})
    click.echo(f"Forgot {count} {'run' if count == 1 else 'runs'}", err=True)
    return 0


def _prune_audit(root: Path, text: str, now: datetime) -> None:
    from orchestrator.app.past.chronicle import since
    from orchestrator.cli import wire

    try:
        before = since(text, now)
    except UsageError:
        raise UsageError(Problem("U122", f"`--audit-before {text}` is no time", None, "2026-01-31, or 400d")) from None
    count = wire.audit(root).prune(before, wire.person(root), now)
    click.echo(f"Took {count} {'row' if count == 1 else 'rows'} out of the audit", err=True)


def _json(data: Any) -> int:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    return 0


def _texts(root: Path) -> Any:
    """The text of a project file, for code frames; never of profiles."""

    def text(path: str) -> str | None:
        try:
            return None if path.endswith("profiles.yml") else (root / path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    return text


def _colourful(given: dict[str, Any]) -> bool:
    from orchestrator.cli.wire import environment
    from orchestrator.report.console import colourful

    return colourful(sys.stdout, environment(given))


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
