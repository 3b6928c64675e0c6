"""What happens to schedules, as rules hear of it: launches that failed or are late, ticks that nobody ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from orchestrator.alert.posts import listens, post, recovery
from orchestrator.core.alert import SCHEDULE, Alerts, Happening, Post, Rule
from orchestrator.core.duration import spoken
from orchestrator.core.schedule import Launch, Schedule, Tick

ENDED = ("run_failed", "deadline_at_risk", "deadline_missed")
"""Incidents of a schedule that are over when a run of it succeeds."""


def failed(launch: Launch, at: datetime, log: Sequence[str] = ()) -> Happening:
    """A launch that ended badly and whose run could not say so itself: it was killed, took too long, or never was.

    >>> from datetime import UTC
    >>> failed(Launch("n@1", "n", "schedule", datetime(2026, 1, 1, tzinfo=UTC), "timed_out"), datetime(2026, 1, 1, tzinfo=UTC)).what
    'timed out'
    """
    said = launch.status.replace("_", " ")
    commands = (f"orc schedule run {launch.schedule}", *(f"orc logs {run[:8]}" for run in launch.runs[-1:]))
    return _of(launch, {"run_failed"}, at, f"{said}: {launch.reason}" if launch.reason else said, log, commands)


def late(launch: Launch, at: datetime, log: Sequence[str] = ()) -> Happening:
    """A launch that is not over though its deadline is."""
    due = f"{launch.deadline:%Y-%m-%d %H:%M} UTC" if launch.deadline else "now"
    state = "still runs" if launch.status == "running" else "has not begun" if launch.status == "queued" else "was not over"
    return _of(launch, {"deadline_missed"}, at, f"it {state}, and had to be over at {due}", log, _commands(launch))


def at_risk(launch: Launch, at: datetime, remaining: float, log: Sequence[str] = ()) -> Happening:
    """A launch that needs longer, as its history tells, than it has. ``remaining`` are the seconds it needs."""
    left = (launch.deadline - at).total_seconds() if launch.deadline else 0.0
    what = f"it needs about {spoken(max(remaining, 0))} more, and has {spoken(max(left, 0))} until its deadline"
    return _of(launch, {"deadline_at_risk"}, at, what, log, _commands(launch))


def missed(ticks: Iterable[Tick], at: datetime) -> Iterator[Happening]:
    """Ticks that nobody ran, by schedule.

    >>> from datetime import UTC
    >>> ticks = [Tick("n", datetime(2026, 1, day, tzinfo=UTC), "missed", "nobody was there") for day in (1, 2)]
    >>> [h.what for h in missed(ticks, datetime(2026, 1, 3, tzinfo=UTC))]
    ['2 ticks from 2026-01-01 00:00 to 2026-01-02 00:00 UTC: nobody was there']
    """
    found: dict[str, list[Tick]] = {}
    for tick in ticks:
        if tick.status == "missed":
            found.setdefault(tick.schedule, []).append(tick)
    for name, some in found.items():
        first, last = some[0].at, some[-1].at
        when = f"{first:%Y-%m-%d %H:%M} UTC" if first == last else f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        what = f"{len(some)} {'tick' if len(some) == 1 else 'ticks'} {when}: {some[-1].reason}"
        commands = (f"orc schedule ticks {name}", f"orc schedule run {name}")
        yield Happening(frozenset({"schedule_missed"}), f"{SCHEDULE}{name}", name, at, what, commands=commands, facts={"ticks": len(some)})


def well(launch: Launch, at: datetime) -> list[Happening]:
    """The ends of all that a schedule's run which succeeded ends."""
    what = f"{launch.schedule} succeeded"
    if launch.deadline is not None and at > launch.deadline:
        what += f", {spoken((at - launch.deadline).total_seconds())} after its deadline"
    return [_of(launch, {kind}, at, what, (), ()) for kind in ENDED]


def _of(launch: Launch, kinds: set[str], at: datetime, what: str, log: Sequence[str], commands: Sequence[str]) -> Happening:
    return Happening(
        frozenset(kinds),
        f"{SCHEDULE}{launch.schedule}",
        launch.schedule,
        at,
        what,
        run=launch.runs[-1] if launch.runs else "",
        log=tuple(log),
        commands=tuple(commands),
        facts={"launch": launch.id, "deadline": launch.deadline},
    )


def _commands(launch: Launch) -> tuple[str, ...]:
    return tuple(f"orc {words} {run[:8]}" for run in launch.runs[-1:] for words in ("runs show", "logs -f"))


def launch_posts(alerts: Alerts, happening: Happening, schedule: Schedule | None) -> list[Post]:
    """What rules are told of something that happened to a schedule; ``schedule`` is what the project says of it now."""
    return [post(alerts, rule, [happening]) for rule in alerts.rules.values() if listens(rule, happening) and concerns(rule, schedule)]


def launch_recovery(alerts: Alerts, ended: Sequence[Happening]) -> list[Post]:
    """What rules are told when all is well again."""
    return [recovery(alerts, rule, ended) for rule in alerts.rules.values() if rule.opening & frozenset(ENDED)]


def concerns(rule: Rule, schedule: Schedule | None) -> bool:
    """Whether a rule is about a schedule: by its tags, owner and target, as far as both say something about them."""
    where = rule.where
    if schedule is None:
        return True
    return (
        not (where.tags and schedule.tags and not set(where.tags) & set(schedule.tags))
        and not (where.owners and schedule.owner and schedule.owner not in where.owners)
        and not (where.targets and schedule.target and schedule.target not in where.targets)
    )
