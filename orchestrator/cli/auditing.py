"""Commands about who did what: audit; and about who may: token."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Group

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.group(cls=Group)
def audit() -> None:
    """Tell who did what when; prove that it was not changed.

    Runs, schedules, triggers, tokens, logins, what is dropped: each is a row of a chain in the state database. A row holds the hash of
    the one before it.
    """


@audit.command("list")
@click.option("--since", metavar="TIME", help="Only what happened since then: 2h, 7d, 2026-01-31.")
@click.option("--action", metavar="WORD", default="", help="Only actions that begin so: run, schedule.paused, token.")
@click.option("--actor", metavar="NAME", default="", help="Only of those whose names begin so.")
@click.option("--limit", default=50, show_default=True, help="How many rows.")
@OUTPUT
@o.project
def list_(**given: Any) -> int:
    """List what was done, newest first."""
    from orchestrator.app.auditing import as_data
    from orchestrator.report.table import table

    found = _entries(given, given["limit"])
    if given["output"] == "json":
        click.echo(json.dumps([as_data(each) for each in found], indent=2, ensure_ascii=False))
        return 0
    rows = [
        (e.seq, e.at[:19].replace("T", " ") + "Z", e.kind, e.actor, e.source, e.action, e.object, e.after or e.before or "") for e in found
    ]
    click.echo(table(("row", "at", "kind", "actor", "from", "action", "what", "how"), rows))
    return 0


def _entries(given: dict[str, Any], limit: int | None) -> Any:
    from orchestrator.app.past.chronicle import since
    from orchestrator.cli import wire

    invocation = wire.invocation(given, "audit")
    from_ = since(given["since"], invocation.started) if given["since"] else None
    return wire.audit(invocation.root).entries(from_, given["action"], given["actor"], limit)


@audit.command()
@click.option("--head", "heads", multiple=True, metavar="HASH", help="A hash that somebody kept: the chain has to hold it.")
@OUTPUT
@o.project
def verify(**given: Any) -> int:
    """Prove that no row was changed or taken away; exit 1 if one was.

    Every run remembers where the chain ended when it began, so that a chain whose end is cut shows. The hash printed here can be kept
    elsewhere, and given as --head another day.
    """
    from orchestrator.cli import wire

    verdict = wire.audit(wire.invocation(given, "audit").root).verify(given["heads"])
    if given["output"] == "json":
        click.echo(json.dumps({"rows": verdict.count, "head": verdict.head, "faults": list(verdict.faults)}, indent=2, ensure_ascii=False))
        return int(bool(verdict.faults))
    for fault in verdict.faults:
        click.echo(fault)
    click.echo(f"{verdict.count} rows, {len(verdict.faults) or 'no'} faults; the chain ends with {verdict.head}", err=bool(verdict.faults))
    return int(bool(verdict.faults))


@audit.command()
@click.option("--format", "format_", type=click.Choice(["csv", "jsonl"]), default="jsonl", help="How to write it (default: jsonl).")
@click.option("--since", metavar="TIME", help="Only what happened since then: 2h, 7d, 2026-01-31.")
@click.option("--action", metavar="WORD", default="", help="Only actions that begin so.")
@click.option("--actor", metavar="NAME", default="", help="Only of those whose names begin so.")
@o.project
def export(**given: Any) -> int:
    """Write all rows to standard output, oldest first."""
    from orchestrator.app.auditing import exported

    for line in exported(reversed(_entries(given, None)), given["format_"]):
        sys.stdout.write(line)
    return 0


@orc.group(cls=Group)
def token() -> None:
    """Make and revoke tokens for the HTTP API of `orc serve`."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, metavar="SCOPE", help="read, trigger:NAME, run or admin; may come twice.")
@click.option("--expires", metavar="TIME", default="90d", show_default=True, help="How long it is good for, or `never`.")
@OUTPUT
@o.project
def create(**given: Any) -> int:
    """Make a token and print it: it is shown only now."""
    from orchestrator.app.auditing import expiry, scoped
    from orchestrator.cli import admitting, wire

    invocation = wire.invocation(given, "token")
    scopes, expires = scoped(given["name"], given["scopes"]), expiry(given["expires"], invocation.started)
    made = admitting.tokens(invocation.root).create(given["name"], scopes, wire.person(invocation.root), invocation.started, expires)
    if given["output"] == "json":
        until = None if expires is None else expires.isoformat()
        click.echo(json.dumps({"name": given["name"], "token": made, "scopes": list(scopes), "expires": until}, indent=2))
        return 0
    click.echo(made)
    click.echo(f"{given['name']}: {', '.join(scopes)}; {_until(expires)}. It is not shown again.", err=True)
    return 0


def _until(expires: datetime | None) -> str:
    return "until it is revoked" if expires is None else f"until {expires:%Y-%m-%d %H:%M} UTC"


@token.command("list")
@OUTPUT
@o.project
def tokens_(**given: Any) -> int:
    """List tokens: what they are good for, and when they were used."""
    from orchestrator.cli import admitting, wire
    from orchestrator.report.table import as_json, table

    invocation = wire.invocation(given, "token")
    names = ("name", "status", "scopes", "created", "created_by", "expires", "used")
    found = admitting.tokens(invocation.root).listed()
    rows = [(t.name, t.status(invocation.started), t.scopes, t.created, t.created_by, t.expires, t.used) for t in found]
    if given["output"] == "json":
        click.echo(as_json(names, rows))
        return 0
    spoken = [
        tuple(f"{v:%Y-%m-%d %H:%M}Z" if isinstance(v, datetime) else " ".join(v) if isinstance(v, tuple) else v or "" for v in row)
        for row in rows
    ]
    click.echo(table(names, spoken))
    return 0


@token.command()
@click.argument("name")
@o.project
def revoke(**given: Any) -> int:
    """Make a token worthless, also in browsers that logged in with it."""
    from orchestrator.cli import admitting, wire
    from orchestrator.core.errors import Problem, UsageError

    invocation = wire.invocation(given, "token")
    if not admitting.tokens(invocation.root).revoke(given["name"], wire.person(invocation.root), invocation.started):
        raise UsageError(Problem("U121", f"there is no token `{given['name']}` that is not revoked", None, "`orc token list` names them"))
    click.echo(f"{given['name']} is revoked", err=True)
    return 0
