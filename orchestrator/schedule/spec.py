"""Entries of ``schedules.yml`` become schedules; what cannot be is told all at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from orchestrator.core.duration import duration, spoken
from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.project import Properties
from orchestrator.core.schedule import Limits, Schedule, Trigger
from orchestrator.schedule.cron import DAY, cron, known_zones, local
from orchestrator.schedule.pattern import ALIASES

MODELS = "models:"
"""How names of schedules begin that are made of models' own times."""

PROMISES = "freshness"
"""The schedule of builds that promises about freshness ask for: it has no time of its own."""

BUILDING = ("select", "exclude", "selector", "threads", "full_refresh", "stale")
"""What a schedule that builds nothing cannot say."""

TIDYING = {"clean": "older_than", "prune": "keep"}
"""Commands that build nothing, each with the key that is its alone: how old things may get."""

LEAST = 60
"""Seconds between two ticks, at least."""

T = TypeVar("T")

_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
START = datetime(2026, 1, 1, tzinfo=UTC)
"""Some moment, to try patterns and zones at."""


KEPT = Schedule(PROMISES, description="what models and exposures promise with `freshness`")
"""How they run when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Spec:
    """All a project says about when to run what. Without ``whole`` the times that models say themselves are not known (yet).

    ``freshness`` is how builds run that promises ask for, ``promised`` whether there are any; ``probe`` are the seconds between two looks
    at sources, if somebody said.
    """

    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    whole: bool = True
    freshness: Schedule = KEPT
    probe: int | None = None
    promised: bool = False

    def entry(self, name: str) -> Schedule | None:
        """What launches of a name do: a schedule, a trigger, or the builds that promises ask for."""
        if name == PROMISES:
            return self.freshness
        return self.schedules[name] if name in self.schedules else self.triggers[name].schedule if name in self.triggers else None

    def named(self, name: str) -> Schedule | None:
        """The schedule of this name, or what a trigger of this name runs."""
        trigger = self.triggers.get(name)
        return self.schedules.get(name) or (trigger.schedule if trigger is not None else None)

    def lacks(self, name: str) -> bool:
        """Whether a name is certainly that of nothing the project has."""
        return name != PROMISES and name not in self.schedules and name not in self.triggers and (self.whole or not name.startswith(MODELS))


def spec(entries: Iterable[Properties]) -> Spec:
    """Read entries.

    Raises:
        ConfigError: U087, a time that is none; U088, ``after`` names what is not there, or leads in a circle; U085, anything else.

    >>> entry = Properties("schedules", "nightly", "schedules.yml", {"cron": "0 2 * * *"}, {(): 2})
    >>> spec([entry]).schedules["nightly"].cron
    '0 2 * * *'
    """
    problems: list[Problem] = []
    known = tuple(entries)
    schedules = {e.name: _schedule(e, problems) for e in known if e.section == "schedules"}
    triggers = {e.name: _trigger(e, problems) for e in known if e.section == "triggers"}
    problems += [
        Problem("U085", f"`{e.name}` is the name of a schedule and of a trigger", e.at(), "rename one of them")
        for e in known
        if e.section == "triggers" and e.name in schedules
    ]
    problems += [
        Problem("U085", f"`{PROMISES}` is the name of what promises ask for", e.at(), "call it something else")
        for e in known
        if e.section in ("schedules", "triggers") and e.name == PROMISES
    ]
    limits = next((_limits(e, problems) for e in known if e.section == "scheduler"), Limits())
    problems += _followed({e.name: e for e in known if e.section == "schedules"}, schedules)
    kept = next((_promises(e, problems) for e in known if e.section == "freshness"), {})
    fuse = kept.pop("fuse", limits.fuse)
    if problems:
        raise ConfigError(*problems)
    return Spec(schedules, triggers, replace(limits, fuse=fuse), **kept)


def _schedule(entry: Properties, problems: list[Problem]) -> Schedule:
    given = entry.data
    said = [key for key in ("cron", "every", "after") if given.get(key)]
    if len(said) != 1:
        message = (
            f"the schedule `{entry.name}` says {' and '.join(f'`{s}`' for s in said)}"
            if said
            else f"`{entry.name}` does not say when to run"
        )
        problems.append(Problem("U085", message, entry.at(), "give one of `cron`, `every` and `after`"))
    zone = str(given.get("timezone", "UTC"))
    try:
        local(START, zone)
    except ValueError as error:
        problems.append(
            Problem("U087", str(error), entry.at("timezone"), did_you_mean(zone, known_zones(), also="for example Europe/Berlin"))
        )
        zone = "UTC"
    if pattern := given.get("cron"):
        _checked(entry, "cron", lambda: _ever(pattern), problems)
    every = _seconds(entry, "every", problems)
    if every is not None and (every < LEAST or (DAY % every and every % DAY)):
        hint = "an interval divides a day (1m … 12h) or is whole days, so that its ticks are the same every day; `cron` can say the rest"
        problems.append(Problem("U087", f"`every: {given['every']}` is {spoken(every)}", entry.at("every"), hint))
        every = DAY
    return Schedule(
        name=entry.name,
        cron=given.get("cron"),
        every=every,
        after=tuple(given.get("after", ())),
        on=given.get("on", "success"),
        zone=zone,
        missed=given.get("missed", "latest"),
        window=_seconds(entry, "catch_up_window", problems),
        deadline=_deadline(entry, problems),
        enabled=bool(given.get("enabled", True)),
        **_run(entry, problems),
    )


def _run(entry: Properties, problems: list[Problem]) -> dict[str, Any]:
    """What schedules and triggers have in common: the run."""
    given = entry.data
    priority = given.get("priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool):
        problems.append(Problem("U085", "`priority` must be a whole number", entry.at("priority")))
        priority = 0
    problems += _strange(entry)
    plain = ("command", "selector", "target", "threads", "full_refresh", "stale", "overlap", "pool", "when", "owner", "description")
    return {
        **{key: given[key] for key in plain if key in given},
        "select": tuple(given.get("select", ())),
        "exclude": tuple(given.get("exclude", ())),
        "tags": tuple(given.get("tags", ())),
        "signals": tuple(given.get("signals", ())),
        "signal_timeout": _seconds(entry, "signal_timeout", problems),
        "vars": given.get("vars", {}),
        "priority": priority,
        "timeout": _seconds(entry, "timeout", problems),
        "older_than": _seconds(entry, "older_than", problems),
        "keep": _seconds(entry, "keep", problems),
    }


def _strange(entry: Properties) -> list[Problem]:
    """Keys that mean nothing beside the command."""
    command = entry.data.get("command", "build")
    wrong = [key for key in BUILDING if key in entry.data] if command in TIDYING else []
    owners = {key: owner for owner, key in TIDYING.items() if key in entry.data and owner != command}
    return [
        *(Problem("U085", f"`{key}` says nothing to `command: {command}`, which builds nothing", entry.at(key)) for key in wrong),
        *(Problem("U085", f"`{key}` is of `command: {o}`, and this is `{command}`", entry.at(key)) for key, o in owners.items()),
    ]


def _promises(entry: Properties, problems: list[Problem]) -> dict[str, Any]:
    """How builds run that promises ask for."""
    run = Schedule(
        PROMISES,
        enabled=bool(entry.data.get("enabled", True)),
        description=KEPT.description,
        **{k: v for k, v in _run(entry, problems).items() if k != "description"},
    )
    found: dict[str, Any] = {"freshness": run, "probe": _seconds(entry, "probe_every", problems)}
    return {**found, "fuse": int(entry.data["max_auto_runs_per_hour"])} if "max_auto_runs_per_hour" in entry.data else found


def _trigger(entry: Properties, problems: list[Problem]) -> Trigger:
    run = _run(entry, problems)
    return Trigger(entry.name, Schedule(entry.name, **run), _seconds(entry, "debounce", problems) or 0)


def _limits(entry: Properties, problems: list[Problem]) -> Limits:
    drain = _seconds(entry, "drain_timeout", problems)
    return Limits(int(entry.data.get("max_runs", 4)), entry.data.get("pools", {}), 300 if drain is None else drain)


def _seconds(entry: Properties, key: str, problems: list[Problem]) -> int | None:
    text = entry.data.get(key)
    return None if text is None else _checked(entry, key, lambda: _whole(text), problems)


def _whole(text: object) -> int:
    seconds = duration(text)
    if not seconds.is_integer():
        raise ValueError(f"`{text}` is not a whole number of seconds")
    return int(seconds)


def _deadline(entry: Properties, problems: list[Problem]) -> str | int | None:
    text = entry.data.get("deadline")
    if text is None or _TIME.fullmatch(str(text)):
        return text
    return _seconds(entry, "deadline", problems)


def _checked(entry: Properties, key: str, read: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return read()
    except ValueError as error:
        message = f"`{key}: {entry.data[key]}`: {error}"
        hint = did_you_mean(str(entry.data[key]), ALIASES, also="docs/schedules.md shows examples")
        problems.append(Problem("U087", message, entry.at(key), hint))
        return None


def _ever(pattern: str) -> None:
    """A pattern that is never due (the 31st of February of some month that exists) is a mistake, too."""
    if next(cron(pattern, "UTC", START), None) is None:
        raise ValueError("this is never due")


def _followed(entries: Mapping[str, Properties], schedules: Mapping[str, Schedule]) -> list[Problem]:
    """Names in ``after`` that are no schedules, and circles."""
    found: list[Problem] = []
    for name, schedule in schedules.items():
        for index, other in enumerate(schedule.after):
            place = entries[name].at("after", index)
            if other not in schedules:
                found.append(Problem("U088", f"`{name}` follows `{other}`, which is no schedule", place, did_you_mean(other, schedules)))
            elif (circle := _back(other, name, schedules)) is not None:
                found.append(Problem("U088", f"`{name}` follows itself: {' → '.join((name, *circle))}", place, "take one of the steps out"))
    return found


def _back(start: str, goal: str, schedules: Mapping[str, Schedule]) -> Sequence[str] | None:
    """The way from ``start`` to ``goal`` along ``after``."""
    pending: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while pending:
        way = pending.pop()
        if way[-1] == goal:
            return way
        if way[-1] not in seen and way[-1] in schedules:
            seen.add(way[-1])
            pending += [(*way, step) for step in schedules[way[-1]].after]
    return None
