"""How old data may get: what a model or an exposure promises, and what is known of the project when somebody has to keep it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from orchestrator.core.duration import duration

KEYS = ("max_lag", "by", "timezone", "warn", "build", "strategy", "debounce")
BUILDS = ("auto", "alert_only")
STRATEGIES = ("lazy", "eager")

_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Promise:
    """What ``freshness`` of a model or exposure says: data that is ``max_lag`` old at most, or current ``by`` a time of day in ``zone``.

    Seconds: ``max_lag``, ``warn`` (the age from which somebody should look), ``debounce`` (how long it has to be quiet before an
    *eager* build begins). *lazy* builds begin as late as the promise allows, so that several changes share one.
    """

    max_lag: float | None = None
    by: str | None = None
    zone: str = "UTC"
    warn: float | None = None
    build: Literal["auto", "alert_only"] = "auto"
    strategy: Literal["lazy", "eager"] = "lazy"
    debounce: float = 60.0


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a source's data. ``since`` is the earliest instant at which it may have been there, ``seen`` when somebody saw it."""

    key: str
    since: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """A node for somebody who has to decide whether it is to be built.

    ``inputs`` are the ids of what it reads. A node that ``passes`` has no rows (a view, an exposure): it is as new as its inputs.
    ``fingerprint`` names all its code, ancestors included, ``code`` what it says itself (if that is known apart), ``built`` the same of
    what is published (``None``: nothing is), ``at`` when that was and by which ``run``. ``version`` names the rows that are there, ``used``
    those of its inputs it was built from, by id. Of a source ``versions`` are known, oldest first; ``unknown`` says why the newest could
    not be told. ``seconds`` is how long nine of ten builds take at most, ``retries`` how often its config has it tried again. ``path``
    selects it and nothing else.
    """

    id: str
    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    promise: Promise | None = None
    passes: bool = False
    fingerprint: str = ""
    code: str = ""
    built: str | None = None
    at: datetime | None = None
    run: str = ""
    version: str | None = None
    used: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()
    unknown: str = ""
    seconds: float | None = None
    retries: int = 0
    path: str = ""

    @property
    def own(self) -> str:
        """What its rows depend on beside its inputs."""
        return self.code or self.fingerprint

    @property
    def is_source(self) -> bool:
        """Whether somebody else writes it."""
        return self.kind == "source"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a project's nodes by id, parents first, as of ``at``: nodes with a promise and what they are made of."""

    at: datetime
    nodes: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def promised(self) -> tuple[Fact, ...]:
        """The nodes somebody relies on."""
        return tuple(each for each in self.nodes.values() if each.promise is not None)


def promise(said: Any) -> Promise | None:
    """What ``freshness`` in a config says; ``None`` where it says nothing of ours (dbt's ``build_after``, a source's limits).

    >>> promise({"max_lag": "1h", "warn": "45m"}).warn
    2700.0
    >>> promise({"by": "07:00", "timezone": "Europe/Berlin"}).zone
    'Europe/Berlin'
    >>> promise({"build_after": {"count": 1, "period": "hour"}}) is None
    True

    Raises:
        ValueError: with a sentence on what is wrong.
    """
    if not isinstance(said, Mapping) or not said or said.keys() & {"build_after", "warn_after", "error_after"}:
        return None
    if unknown := [k for k in said if k not in KEYS]:
        raise ValueError(f"`freshness` has no key `{unknown[0]}`: there is {', '.join(KEYS)}")
    lag, by = said.get("max_lag"), said.get("by")
    if (lag is None) == (by is None):
        raise ValueError("`freshness` says one of `max_lag` and `by`")
    limit = None if lag is None else duration(lag)
    if limit is not None and limit < 1:
        raise ValueError(f"`max_lag: {lag}` is no age that anybody could keep")
    if by is not None and not _TIME.fullmatch(str(by)):
        raise ValueError(f"`by: {by}` is no time of day")
    warn = None if said.get("warn") is None else duration(said["warn"])
    if warn is not None and (limit is None or warn >= limit):
        raise ValueError(f"`warn: {said['warn']}` comes before `max_lag`" if limit is not None else "`warn` goes with `max_lag`")
    build, strategy = str(said.get("build", "auto")), str(said.get("strategy", "lazy"))
    if build not in BUILDS:
        raise ValueError(f"`build: {build}` is neither of {' and '.join(BUILDS)}")
    if strategy not in STRATEGIES:
        raise ValueError(f"`strategy: {strategy}` is neither of {' and '.join(STRATEGIES)}")
    return Promise(
        limit,
        None if by is None else str(by),
        str(said.get("timezone", "UTC")),
        warn,
        "auto" if build == "auto" else "alert_only",
        "lazy" if strategy == "lazy" else "eager",
        duration(said.get("debounce", 60)),
    )


def told(facts: Facts) -> dict[str, Any]:
    """Facts as mappings and lists, for whoever writes them as JSON."""
    return {"at": facts.at, "nodes": [asdict(each) for each in facts.nodes.values()]}


def facts_of(told: Mapping[str, Any]) -> Facts:
    """Facts from what :func:`told` said, and :func:`~orchestrator.core.event.plain` wrote.

    >>> facts_of({"at": "2026-01-01T00:00:00Z", "nodes": [{"id": "a", "name": "a", "kind": "source"}]}).nodes["a"].is_source
    True
    """
    return Facts(_at(told["at"]), {each["id"]: _fact(each) for each in told["nodes"]})


def _fact(told: Mapping[str, Any]) -> Fact:
    given = dict(told)
    given["inputs"] = tuple(given.get("inputs", ()))
    given["promise"] = Promise(**given["promise"]) if given.get("promise") else None
    given["at"] = _at(given["at"]) if given.get("at") else None
    given["versions"] = tuple(Version(v["key"], _at(v["since"]), _at(v["seen"])) for v in given.get("versions", ()))
    return Fact(**given)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Look(Protocol):
    """A look at a source: when, and what it found; a look in vain has no version."""

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def version(self) -> str | None:
        """The rows that were there, in a word."""
        ...

    @property
    def data_time(self) -> datetime | None:
        """Up to when they were loaded."""
        ...


def versions(looks: Iterable[Look]) -> tuple[Version, ...]:
    """The states of a source that looks saw, oldest first. Rows arrived after the last look that did not see them, and not before
    they say themselves.
    """
    found: list[Version] = []
    before: datetime | None = None
    for each in sorted((look for look in looks if look.version is not None), key=lambda look: look.at):
        if not found or found[-1].key != each.version:
            known = [at for at in (each.data_time, before) if at is not None]
            found.append(Version(str(each.version), min(max(known, default=each.at), each.at), each.at))
        before = each.at
    return tuple(found)
