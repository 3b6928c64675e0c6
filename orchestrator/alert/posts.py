"""What rules are told of happenings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from orchestrator.alert.letter import letter
from orchestrator.alert.quiet import quiet
from orchestrator.core.alert import OWNER, Alerts, Happening, Letter, Mood, Post, Rule

LATER = frozenset({"schedule_missed"})
"""Incidents that are over when they are told: nobody waits for their end."""


def posts(alerts: Alerts, happenings: Iterable[Happening]) -> Iterator[Post]:
    """What each rule is to be told of happenings, each alone.

    >>> from datetime import UTC, datetime
    >>> rule = Rule("oncall", frozenset({"deadline_missed"}), ("json://localhost",))
    >>> late = Happening(frozenset({"deadline_missed"}), "schedule:nightly", "nightly", datetime(2026, 1, 1, tzinfo=UTC), "still running")
    >>> [(p.rule, p.mood) for p in posts(Alerts({"oncall": rule}), [late])]
    [('oncall', 'opens')]
    """
    for each in happenings:
        for rule in alerts.rules.values():
            if listens(rule, each):
                yield post(alerts, rule, [each])


def listens(rule: Rule, happening: Happening) -> bool:
    """Whether a rule is about this kind of thing, and about its target. Which nodes it is about, somebody with the graph knows."""
    kinds = rule.opening | rule.on
    return bool(happening.kinds & kinds) and (not happening.target or not rule.where.targets or happening.target in rule.where.targets)


def post(alerts: Alerts, rule: Rule, happenings: Sequence[Happening]) -> Post:
    """A message of a rule about happenings that belong together: an incident, or something that just happens."""
    opening = any(h.kinds & rule.opening - LATER for h in happenings)
    silent = opening and not rule.on & rule.opening
    return _post(alerts, rule, "opens" if opening else "tells", tuple(happenings), rule.opening if opening else rule.on, told=not silent)


def recovery(alerts: Alerts, rule: Rule, happenings: Sequence[Happening]) -> Post:
    """The end of the incidents that these things would be, if they are open."""
    return _post(alerts, rule, "closes", tuple(happenings), rule.opening, told=rule.closing)


def _post(alerts: Alerts, rule: Rule, mood: Mood, happenings: tuple[Happening, ...], kinds: frozenset[str], *, told: bool) -> Post:
    write = partial(_written, alerts, rule, mood, kinds)
    return Post(rule.name, mood, happenings, write, partial(addresses, rule), kinds, partial(quiet, rule), told)


def _written(alerts: Alerts, rule: Rule, mood: Mood, kinds: frozenset[str], happenings: Sequence[Happening]) -> Letter:
    return letter(rule.name, mood, happenings, kinds, alerts)


def addresses(rule: Rule, happenings: Sequence[Happening]) -> tuple[str, ...]:
    """Where a rule's message goes, without any secret: places in ``to``, and owners by their names."""
    found: list[str] = []
    for index, written in enumerate(rule.to):
        if written.rstrip(":") != OWNER:
            found.append(f"to {index}")
            continue
        for happening in happenings:
            for each in (happening, *happening.causes):
                found += [f"owner {'|'.join(each.owners)}"] if each.owners else []
    return tuple(dict.fromkeys(found))
