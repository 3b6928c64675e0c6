"""Models that say themselves when they are due: ``config(cron='@hourly')``. Those of one time are one schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.node import Node
from orchestrator.core.schedule import Schedule
from orchestrator.schedule.cron import cron, local
from orchestrator.schedule.spec import MODELS, START


def model_schedules(nodes: Iterable[Node]) -> dict[str, Schedule]:
    """A schedule for each pattern and zone in models' ``cron``, by its name (``models:@hourly``).

    Raises:
        ConfigError: U087, a pattern or a zone is none.
    """
    found: dict[tuple[str, str], list[str]] = {}
    problems: list[Problem] = []
    for node in nodes:
        said = node.config.get("cron")
        if not said or node.kind not in ("model", "snapshot", "seed"):
            continue
        pattern, zone = (said.get("pattern"), said.get("timezone", "UTC")) if isinstance(said, Mapping) else (said, "UTC")
        try:
            local(START, str(zone))
            if next(cron(str(pattern), str(zone), START), None) is None:
                raise ValueError("this is never due")  # noqa: TRY301 - told as all that is wrong with it
        except ValueError as error:
            hint = "cron: '@hourly', or cron: {pattern: '0 2 * * *', timezone: Europe/Berlin}"
            problems.append(Problem("U087", f"`cron` of `{node.name}`: {error}", node.span, hint, node=node.id))
            continue
        found.setdefault((str(pattern), str(zone)), []).append(node.name)
    if problems:
        raise ConfigError(*problems)
    return {s.name: s for (pattern, zone), names in sorted(found.items()) for s in [of_models(pattern, zone, names)]}


def of_models(pattern: str, zone: str, names: Iterable[str]) -> Schedule:
    """The schedule of models that share a time.

    >>> of_models("@hourly", "UTC", ["b", "a"]).select
    ('a', 'b')
    """
    name = f"{MODELS}{pattern}" if zone == "UTC" else f"{MODELS}{pattern} {zone}"
    return Schedule(name, cron=pattern, zone=zone, select=tuple(sorted(names)), description="models that say `cron` themselves")
