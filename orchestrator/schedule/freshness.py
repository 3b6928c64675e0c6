"""When to build what promises ask for, as a function: needs, what was tried, what time it is → what begins now, why the rest does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from orchestrator.core.duration import spoken
from orchestrator.core.files import digest
from orchestrator.core.schedule import Decision, Launch, Schedule, Tick
from orchestrator.schedule.decide import asked
from orchestrator.schedule.needs import CHANGED, MISSING, Need, Outlook
from orchestrator.schedule.spec import PROMISES

NAME = PROMISES

AGAIN = 300.0
"""Seconds after which what failed is tried again; twice as many each time."""

LONGEST = 6 * 3600.0
"""Seconds between two tries, at most."""

TRIES = 3
"""How often the same work is tried in vain, beside what the node's own ``retries`` allow."""

HOUR = timedelta(hours=1)

State = Literal["fresh", "unknown", "planned", "due", "running", "waiting", "blocked", "held", "watched"]
"""*planned* begins later; *waiting* has failed and is tried again; *blocked* was tried often enough: only news changes that; *held* by a
pause, by the fuse, or because nobody looked since the last run; *watched* says ``build: alert_only``; *unknown* is a source that could
not be asked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has to hold for a build to begin, whether it does, and the values that say so."""

    what: str
    holds: bool
    value: str = ""
    below: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Prospect:
    """What becomes of one promise: its need, its state, when it begins at the earliest, and the conditions for that.

    ``age`` says how the promise is kept: ``late`` is broken, ``warned`` past the age at which somebody should look.
    """

    need: Need
    state: State
    reason: str
    begins: datetime | None
    conditions: tuple[Condition, ...]
    age: Literal["kept", "warned", "late"] = "kept"
    lag: float = 0.0


NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class Ruling:
    """Prospects by id, and what is to be written down now: at most one launch, of all that is due."""

    prospects: Mapping[str, Prospect]
    decision: Decision = NOTHING


def freshness(
    outlook: Outlook,
    launches: Sequence[Launch],
    now: datetime,
    schedule: Schedule | None = None,
    *,
    fuse: int = 20,
    idle: str = "",
) -> Ruling:
    """Decide. ``launches`` are those of the schedule ``freshness``, as far back as anybody remembers; ``fuse`` is how many of them an hour
    may see; ``idle`` says why none may begin at all (paused, not enabled).

    One launch holds all that is due, with what that needs. It is made once for the same work: a build that failed, or that somebody
    cancelled, is begun again only after a while, a few times, or when something is new.
    """
    tried = _Tried(outlook, launches)
    recent = sum(each.queued > now - HOUR for each in launches)
    going = next((each for each in launches if not each.over), None)
    looked = max((each.finished for each in launches if each.finished is not None), default=None)
    found: dict[str, Prospect] = {}
    for id_, need in outlook.needs.items():
        shared = (
            Condition("no pause", not idle, idle or "none"),
            Condition(
                "looked since the last build",
                looked is None or looked <= outlook.facts.at,
                f"looked at {_clock(outlook.facts.at)}" + (f", the last build ended at {_clock(looked)}" if looked else ""),
            ),
            Condition("no other build under way", going is None, f"`{going.id}` is {going.status}" if going else "none"),
            Condition("fuse", recent < fuse, f"{recent} of {fuse} builds in the last hour"),
        )
        found[id_] = _prospect(need, tried, going, shared, now)
    due = [each for each in found.values() if each.state == "due"]
    return Ruling(found, _decision(due, outlook, tried, now, schedule or Schedule(NAME)) if due else NOTHING)


class _Tried:
    """How often the same work was begun in vain, and when last."""

    def __init__(self, outlook: Outlook, launches: Iterable[Launch]) -> None:
        self.keys = outlook.keys
        self.nodes = outlook.facts.nodes
        self.by_key: dict[str, list[Launch]] = {}
        known = list(launches)
        ours = {run for each in known for run in each.runs}
        foreign = {i: n.at for i, n in self.nodes.items() if n.at is not None and n.run not in ours}
        self.news: dict[str, datetime] = {}
        for id_, node in self.nodes.items():  # what somebody else built since makes it other work
            times = [t for t in (foreign.get(id_), *(self.news.get(i) for i in node.inputs)) if t is not None]
            if times:
                self.news[id_] = max(times)
        for each in known:
            for key in each.keys.values():
                self.by_key.setdefault(key, []).append(each)

    def over(self, id_: str, since: datetime | None) -> list[Launch]:
        """The launches that ended and left this work undone, oldest first; of those that were asked for after ``since``."""
        found = [e for e in self.by_key.get(self.keys[id_], ()) if e.over and (since is None or e.queued > since)]
        return sorted(found, key=lambda e: (e.finished or e.queued, e.id))

    def most(self, need: Need) -> tuple[str, list[Launch]]:
        """Of what a need would build, what was tried most often."""
        since = max((self.news[i] for i in need.stale if i in self.news), default=None)
        return max(((i, self.over(i, since)) for i in need.stale), key=lambda pair: len(pair[1]), default=(need.node, []))


def _prospect(need: Need, tried: _Tried, going: Launch | None, shared: tuple[Condition, ...], now: datetime) -> Prospect:
    age, lag = _age(need, now)
    news = Condition("something is new", bool(need.stale), "", tuple(_news(need, tried)))
    sources = tuple(Condition(f"`{n}` could be asked", holds=False, value="nobody knows whether it changed") for n in need.unknown)
    told = (*sources, news)
    if not need.stale or need.start is None:
        state: State = "unknown" if need.unknown else "fresh"
        reason = f"nobody knows whether {', '.join(f'`{n}`' for n in need.unknown)} changed" if need.unknown else "nothing is new"
        return Prospect(need, state, reason, None, told, age, lag)
    node, before = tried.most(need)
    most = TRIES + tried.nodes[node].retries
    cancelled = bool(before) and before[-1].status == "cancelled"
    rest = _rest(before)
    begins = max(need.start, rest) if rest is not None else need.start
    conditions = (
        *told,
        Condition("builds are wanted", need.promise.build == "auto", f"build: {need.promise.build}"),
        Condition("not cancelled by somebody", not cancelled, f"`{before[-1].id}`" if cancelled else "no"),
        Condition("tries left", len(before) < most, f"{len(before)} of {most} in vain for the same inputs and code"),
        Condition("time since the last try", rest is None or rest <= now, f"until {_clock(rest)}" if rest else "no try before"),
        Condition("time to begin", need.start <= now, _estimate(need), _steps(need)),
        *shared,
    )
    state, reason, at = _state(need, conditions, going, begins, tried, now)
    return Prospect(need, state, reason, at, conditions, age, lag)


def _state(
    need: Need, conditions: Sequence[Condition], going: Launch | None, begins: datetime, tried: _Tried, now: datetime
) -> tuple[State, str, datetime | None]:
    """The first thing that stands in the way."""
    by = {c.what: c for c in conditions}
    if not by["builds are wanted"].holds:
        return "watched", "`build` is alert_only", None
    if going is not None and any(going.keys.get(i) == tried.keys[i] for i in need.stale):
        return "running", f"`{going.id}` is {going.status}", None
    if not by["looked since the last build"].holds:
        return "held", by["looked since the last build"].value, begins
    if not by["not cancelled by somebody"].holds:
        return "blocked", f"{by['not cancelled by somebody'].value} was cancelled; it begins again when something is new", None
    if not by["tries left"].holds:
        return "blocked", f"{by['tries left'].value}; it begins again when something is new", None
    if not by["time since the last try"].holds:
        return "waiting", f"failed; {by['time since the last try'].value}", begins
    if need.start is not None and need.start > now:
        return "planned", f"begins at {_clock(need.start)} to be there by {_clock(need.needed)}", begins
    for what in ("no pause", "no other build under way", "fuse"):
        if not by[what].holds:
            return "held", f"{what}: {by[what].value}", begins
    if need.at_once:
        return "due", next(why for why in (need.why or {}).values() if why in (MISSING, CHANGED)), now
    return "due", f"to be there by {_clock(need.needed)}", now


def _rest(before: Sequence[Launch]) -> datetime | None:
    """Until when failed work is left alone."""
    if not before:
        return None
    last = before[-1].finished or before[-1].queued
    return last + timedelta(seconds=min(AGAIN * 2 ** min(len(before) - 1, 20), LONGEST))


def _age(need: Need, now: datetime) -> tuple[Literal["kept", "warned", "late"], float]:
    lag = need.lag(now)
    if need.oldest is not None and need.needed is not None and now > need.needed:
        return "late", lag
    return ("warned" if need.promise.warn is not None and lag > need.promise.warn else "kept"), lag


def _news(need: Need, tried: _Tried) -> Iterable[Condition]:
    for id_, why in (need.why or {}).items():
        yield Condition(f"`{tried.nodes[id_].name}`", holds=True, value=why)
    if need.oldest is not None:
        yield Condition("oldest change", holds=True, value=_clock(need.oldest))


def _estimate(need: Need) -> str:
    if need.at_once:
        return f"at once, it takes {spoken(need.lead)}"
    return f"{_clock(need.start)}, {spoken(need.lead)} before {_clock(need.needed)}"


def _steps(need: Need) -> tuple[Condition, ...]:
    return tuple(Condition(f"`{name}`", holds=True, value=f"takes {spoken(seconds)}") for name, seconds in need.path)


def _clock(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _decision(due: Sequence[Prospect], outlook: Outlook, tried: _Tried, now: datetime, schedule: Schedule) -> Decision:
    """One launch of everything that is due. Its id says which work it is, and how often that was tried: nobody makes it twice."""
    wanted = {id_ for each in due for id_ in each.need.stale}
    ids = [id_ for id_ in outlook.facts.nodes if id_ in wanted]
    keys = {id_: outlook.keys[id_] for id_ in ids}
    number = max(len(tried.most(each.need)[1]) for each in due)
    id_ = f"{NAME}@{digest(chr(10).join(sorted(keys.values())).encode())[:12]}.{number + 1}"
    reason = "; ".join(f"`{each.need.name}`: {each.reason}" for each in due)
    times = [each.need.needed for each in due if each.need.needed is not None and not each.need.at_once]
    launch = asked(schedule, id_, NAME, now, due=now, reason=reason, deadline_at=min(times, default=None))
    launch = replace(launch, nodes=tuple(outlook.facts.nodes[i].path or outlook.facts.nodes[i].name for i in ids), keys=keys)
    return Decision((Tick(NAME, now, "fired", reason, launch.id),), (launch,))
