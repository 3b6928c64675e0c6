"""How fresh data is: a look at a source, the version and the time of data, and from which versions something was built.

A *version* is a text that means nothing but itself: of the same thing, the same version is the same data. ``None`` is a version that
nobody knows, and it equals nothing. A *data time* is up to when the world is in the data: an instant in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from orchestrator.core.files import digest
from orchestrator.core.names import Relation

Method = Literal["field", "query", "metadata", "none"]
"""How a source was looked at: its ``loaded_at_field``, its ``loaded_at_query``, what the engine says of the table."""

Verdict = Literal["pass", "warn", "error"]

PERIODS: Mapping[str, int] = {"minute": 60, "hour": 3600, "day": 86_400}
"""Seconds of the units that limits are written in."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at a source: ``at`` when, its ``version`` and its ``data_time`` then. With an ``error`` nothing is known of it.

    A look that found no rows has a version and no data time.
    """

    source: str
    at: datetime
    version: str | None = None
    data_time: datetime | None = None
    method: Method = "none"
    error: str = ""

    @property
    def age(self) -> float | None:
        """Seconds between the data and the look at it."""
        return None if self.data_time is None else (self.at - self.data_time).total_seconds()


@dataclass(frozen=True, slots=True)
class Look:
    """How to look at a source. ``sql`` gives one row: up to when its data is, and how many rows there are if it says so; ``None`` asks
    the engine what it knows of ``relation`` by itself.
    """

    source: str
    relation: Relation
    method: Method
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How old a source may be, in seconds. ``filter`` is the condition (SQL) for the rows that are looked at."""

    warn_after: float | None = None
    error_after: float | None = None
    filter: str | None = None

    def judge(self, age: float | None) -> Verdict:
        """What to say of data that is so many seconds old; of no data at all (``None``) the worst that is asked for.

        >>> [Limits(60, 120).judge(age) for age in (60, 61, 121, None)]
        ['pass', 'warn', 'error', 'error']
        """
        for word, limit in (("error", self.error_after), ("warn", self.warn_after)):
            if limit is not None and (age is None or age > limit):
                return "error" if word == "error" else "warn"
        return "pass"


def limited(whole: Mapping[str, Any] | None, part: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """``freshness`` of a table of a source that has one, too: what the table says wins, key by key; ``null`` says that there is none.

    >>> limited({"warn_after": {"count": 1, "period": "day"}, "filter": "a"}, {"warn_after": {"count": 2}})
    {'warn_after': {'count': 2, 'period': 'day'}, 'filter': 'a'}
    """
    if not whole or part is None:
        return part
    found = dict(whole)
    for key, value in part.items():
        before = found.get(key)
        found[key] = {**before, **value} if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return found


def limits(freshness: Mapping[str, Any] | None) -> Limits | None:
    """What ``freshness`` of a source says; ``None`` when it limits nothing.

    >>> limits({"warn_after": {"count": 6, "period": "hour"}}).warn_after
    21600.0
    >>> limits({"warn_after": None}) is None
    True
    """
    given = freshness or {}
    found = {key: _seconds(given.get(key)) for key in ("warn_after", "error_after")}
    return Limits(**found, filter=given.get("filter") or None) if any(v is not None for v in found.values()) else None


def _seconds(limit: Any) -> float | None:
    if not isinstance(limit, Mapping) or limit.get("count") is None or not limit.get("period"):
        return None
    unit = PERIODS.get(str(limit["period"]))
    return None if unit is None else float(limit["count"]) * unit


@dataclass(frozen=True, slots=True)
class Made:
    """What a published relation was made from, kept beside it in the ledger.

    ``code`` names all that its node itself says; ``inputs`` are the versions of what it read, by id, as of its build's start; ``version``
    is that of the result. ``data_time`` is up to when all of its inputs were known then. ``doubt`` says why the same inputs may give other
    rows (a clock, a random number, a table nobody declared); empty: they may not. ``gates`` are the tests that this version
    passed, ``seconds`` what it took to make.
    """

    code: str
    version: str
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    data_time: datetime | None = None
    doubt: str = ""
    gates: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """As it stands in the ledger: JSON without what is empty."""
        said: dict[str, Any] = {
            "code": self.code,
            "version": self.version,
            "inputs": dict(self.inputs),
            "data_time": None if self.data_time is None else self.data_time.astimezone(UTC).isoformat(),
            "doubt": self.doubt,
            "gates": list(self.gates),
            "seconds": self.seconds,
        }
        return json.dumps({k: v for k, v in said.items() if v}, separators=(",", ":"))


def made(text: str | None) -> Made | None:
    """What the ledger says; ``None`` for what somebody published who did not keep such things, or what cannot be read.

    >>> made(Made("c", "v", {"source.p.raw.trips": None}).text).inputs
    {'source.p.raw.trips': None}
    >>> made(None), made("{}"), made("nonsense")
    (None, None, None)
    """
    try:
        said = json.loads(text) if text else None
        if not said or not said.get("code") or not said.get("version"):
            return None
        at = said.get("data_time")
        return Made(
            said["code"],
            said["version"],
            said.get("inputs") or {},
            datetime.fromisoformat(at) if at else None,
            said.get("doubt") or "",
            tuple(said.get("gates") or ()),
            float(said.get("seconds") or 0.0),
        )
    except (ValueError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a node is made by, as far as that is known before it is built: ``code`` names all that it says itself, ``inputs`` are the ids it
    reads in the end. ``live`` is a view: what it reads shows through it at once. ``doubt`` is as in :class:`Made`.

    ``gates`` are the tests that judge it, by id: a digest of the test, and what it looks at besides.
    """

    code: str
    inputs: tuple[str, ...] = ()
    live: bool = False
    doubt: str = ""
    gates: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


def passed(test: str, others: Mapping[str, str | None]) -> str | None:
    """How a version remembers that a test passed: the test's digest, with the versions of what it looked at besides.

    >>> passed("t", {}) != passed("t", {"a": "1"}) != passed("t", {"a": "2"}), passed("t", {"a": None}) is None
    (True, True)
    """
    if any(version is None for version in others.values()):
        return None
    return digest(json.dumps([test, sorted(others.items())]).encode())[:12]


def data_time(inputs: Iterable[datetime | None]) -> datetime | None:
    """Up to when all inputs are known: the oldest of them. One that is not known leaves nothing known; no inputs have no time.

    >>> early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    >>> data_time([late, early]) == early, data_time([late, None]), data_time([])
    (True, None, None)
    """
    times = list(inputs)
    known = [t for t in times if t is not None]
    return min(known) if known and len(known) == len(times) else None


def seen_through(code: str, inputs: Mapping[str, str | None]) -> str | None:
    """The version of a view: that of its definition and of all it reads; unknown when one of those is.

    >>> seen_through("c", {"a": "1", "b": "2"}) == seen_through("c", {"b": "2", "a": "1"}) != seen_through("c", {"a": "1", "b": "3"})
    True
    >>> seen_through("c", {"a": None}) is None
    True
    """
    if any(version is None for version in inputs.values()):
        return None
    return "view " + digest(json.dumps([code, sorted(inputs.items())]).encode())[:16]


def published_as(at: datetime, run: str) -> str:
    """The version of rows that were just written: nobody else's.

    >>> published_as(datetime(2026, 1, 1, 9, tzinfo=UTC), "3fa8b2c1-77aa")
    '2026-01-01T09:00:00+00:00 by 3fa8b2c1'
    """
    return f"{at.astimezone(UTC).isoformat()} by {run[:8]}"


def short(version: str | None) -> str:
    """A version as people read it.

    >>> short("2026-01-01T09:00:00.123456+00:00 by 3fa8b2c1"), short(None)
    ('2026-01-01 09:00:00 by 3fa8b2c1', 'unknown')
    """
    if version is None:
        return "unknown"
    at, space, rest = version.partition(" ")
    if not (at[10:11] == "T" and at[:4].isdigit() and "+00:00" in at):
        return version
    return f"{at[:10]} {at[11:19]}{',' if at.endswith(',') else ''}{space}{rest}"


@dataclass(frozen=True, slots=True)
class Pause:
    """How long a model stays as it is although there is new data (``build_after`` of its ``freshness``).

    ``seconds`` after its last build at the earliest; ``whole`` waits for news of all it reads (``updates_on: all``).
    """

    seconds: float = 0.0
    whole: bool = False

    def over(self, built: datetime, now: datetime) -> bool:
        """Whether enough time has passed.

        >>> Pause(3600).over(datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 9, 59, tzinfo=UTC))
        False
        """
        return now - built >= timedelta(seconds=self.seconds)


def pause(freshness: Any) -> Pause | None:
    """What ``freshness`` of a model says about building it, if it says something.

    >>> pause({"build_after": {"count": 4, "period": "hour", "updates_on": "all"}})
    Pause(seconds=14400.0, whole=True)
    """
    after = freshness.get("build_after") if isinstance(freshness, Mapping) else None
    if not isinstance(after, Mapping):
        return None
    return Pause(_seconds(after) or 0.0, after.get("updates_on") == "all")
