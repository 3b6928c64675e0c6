"""Commands about pools: pools list, pools set, pools reset."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Command

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


class Pools(click.Group):
    """The commands below ``pools``."""

    command_class = Command


@orc.group(cls=Pools)
def pools() -> None:
    """Limits that runs and models share by name."""


@pools.command("list")
@OUTPUT
@o.project
def list_(**given: Any) -> int:
    """List pools: how wide they are now, and who is in them."""
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.cli import wire
    from orchestrator.core.pool import wide
    from orchestrator.report.table import as_json, table

    invocation = wire.invocation(given, "pools")
    declared, timetable, now = scheduling(invocation.root).limits.pools, wire.timetable(invocation.root), invocation.started
    try:
        board, nodes = timetable.board(), timetable.taken()
    finally:
        timetable.close()
    open_ = [each for each in board.launches if each.pool and not each.over]
    rows = []
    for name in sorted({*declared, *board.pools, *nodes, *(str(each.pool) for each in open_)}):
        known = board.pools.get(name)
        now_wide = wide(declared.get(name, 1), known, now)
        full = wide(declared.get(name, 1), None if known is None else _unrefused(known), now)
        runs = sum(each.pool == name and each.status == "running" for each in open_)
        waiting = sum(each.pool == name and each.status == "queued" for each in open_)
        by = known.by if known is not None and known.width is not None else ""
        rows.append((name, now_wide, declared.get(name), by, now_wide < full, runs, nodes.get(name, 0), waiting))
    columns = ("pool", "limit", "declared", "set_by", "lowered", "runs", "nodes", "waiting_runs")
    click.echo(as_json(columns, rows) if given["output"] == "json" else table(columns, rows))
    return 0


def _unrefused(pool: Any) -> Any:
    from dataclasses import replace

    return replace(pool, lowered=None)


@pools.command("set")
@click.argument("name")
@click.argument("width", type=click.IntRange(0))
@o.project
def set_(**given: Any) -> int:
    """Set how wide a pool is, from now on.

    What runs goes on; nothing new begins until fewer are in it. 0 holds everything. It wins over schedules.yml until `orc pools reset`.
    """
    return _widen(given, given["width"])


@pools.command()
@click.argument("name")
@o.project
def reset(**given: Any) -> int:
    """Leave how wide a pool is to schedules.yml again."""
    return _widen(given, None)


def _widen(given: dict[str, Any], width: int | None) -> int:
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.cli import wire
    from orchestrator.core.audit import Deed
    from orchestrator.core.pool import wide

    invocation = wire.invocation(given, "pools")
    declared, timetable, now = (
        scheduling(invocation.root).limits.pools.get(given["name"], 1),
        wire.timetable(invocation.root),
        invocation.started,
    )
    try:
        before = wide(declared, timetable.board().pools.get(given["name"]), now)
        after = declared if width is None else width
        by = wire.person(invocation.root)
        with timetable.together():
            timetable.widen(given["name"], width, now, wire.actor())
            action = "pool.set" if width is not None else "pool.reset"
            timetable.note(Deed(by, action, given["name"], {"limit": before}, {"limit": after}), now)
    finally:
        timetable.close()
    click.echo(f"{given['name']}: {before} → {after}", err=True)
    return 0
