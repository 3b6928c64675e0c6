"""The command `orc alerts`: rules, open incidents, letters; trying a rule; sending what waits."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Group

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.group(cls=Group)
def alerts() -> None:
    """List alerts, try one, send what waits.

    Rules are in alerts.yml. A run sends its letters at its end; `orc serve` sends what waits; where neither runs, `orc alerts send`.
    """


@alerts.command("list")
@click.option("--limit", default=20, show_default=True, help="How many letters.")
@OUTPUT
@o.project
def list_(**given: Any) -> int:
    """List rules, open incidents and the last letters."""
    from orchestrator.app.alerts.alerting import alerting
    from orchestrator.cli import wire, wire_alerts
    from orchestrator.core.event import plain
    from orchestrator.report.table import as_json, table

    root = wire.invocation(given, "alerts").root
    outbox = wire_alerts.outbox(root)
    rules = [(r.name, " ".join(sorted(r.on)), " ".join(_scheme(t) for t in r.to), r.group_by) for r in alerting(root).rules.values()]
    opened = [(i.rule, i.subject, i.aspect, i.target, i.opened, i.told) for i in outbox.incidents()]
    letters = [
        (s.made, s.rule, s.letter.kind, s.letter.title, s.status, s.tries, s.error, s.letter.data.get("run"))
        for s in outbox.letters(given["limit"])
    ]
    parts = (
        ("rules", ("name", "on", "to", "group_by"), rules),
        ("incidents", ("rule", "subject", "aspect", "target", "opened", "told"), opened),
        ("letters", ("made", "rule", "event", "title", "status", "tries", "error", "run"), letters),
    )
    if given["output"] == "json":
        import json

        click.echo(json.dumps({name: json.loads(as_json(columns, [plain(row) for row in rows])) for name, columns, rows in parts}))
        return 0
    for name, columns, rows in parts:
        if rows:
            shown = [tuple(f"{v:%Y-%m-%d %H:%M:%SZ}" if hasattr(v, "strftime") else "" if v is None else v for v in row) for row in rows]
            click.echo(f"{name}\n{table(columns, shown)}")
        else:
            click.echo(f"no {name}", err=True)
    return 0


def _scheme(address: str) -> str:
    """An address without what may be a key in it."""
    scheme, there, _ = address.partition("://")
    return f"{scheme}://" if there else address


@alerts.command()
@click.argument("name")
@o.project
def test(**given: Any) -> int:
    """Send a sample to where an alert goes."""
    from orchestrator.app.alerts.posting import try_out
    from orchestrator.cli import wire, wire_alerts

    found = try_out(wire_alerts.sending(wire.invocation(given, "alerts").root, given), given["name"])
    for place, why in found:
        click.echo(f"{place}  {'delivered' if why is None else why}")
    return int(not found or any(why is not None for _, why in found))


@alerts.command()
@o.project
def send(**given: Any) -> int:
    """Send the letters that wait."""
    from orchestrator.app.alerts.posting import send as send_
    from orchestrator.cli import wire, wire_alerts

    done = send_(wire_alerts.sending(wire.invocation(given, "alerts").root, given))
    for sealed, why in done.refused:
        click.echo(f"{sealed.rule}: {sealed.letter.title}: {why}", err=True)
    click.echo(f"{len(done.sent)} sent, {len(done.refused)} not", err=True)
    return int(bool(done.refused))
