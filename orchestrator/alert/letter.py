"""What a message says: what happened, why, the error and its place, the last lines of the log, a link, what to type next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.alert import KINDS, Alerts, Happening, Letter, Mood
from orchestrator.core.event import plain

LINES = 30
"""Lines of the log in a message."""

WIDTH = 300
"""Characters of one such line."""

NAMED = 20
"""Happenings told in full in one message; of the rest, their names."""

_SAID = {
    "node_failed": "failed",
    "node_retried": "is tried again",
    "run_failed": "failed",
    "gate_failed": "was not published: a test failed",
    "freshness_breached": "is stale",
    "deadline_at_risk": "may miss its deadline",
    "deadline_missed": "missed its deadline",
    "schedule_missed": "was not run",
    "node_slow": "was slow",
    "blocked": "is blocked",
    "recovered": "is well again",
    "run_succeeded": "succeeded",
}


def letter(rule: str, mood: Mood, happenings: Sequence[Happening], kinds: frozenset[str], alerts: Alerts) -> Letter:
    """One message about happenings that belong together: those of one run, or one alone.

    >>> from datetime import UTC, datetime
    >>> kinds, at = frozenset({"node_failed"}), datetime(2026, 1, 1, tzinfo=UTC)
    >>> one = Happening(kinds, "model.shop.orders", "orders", at, "the SQL failed", "prod")
    >>> letter("oncall", "opens", [one], kinds, Alerts()).title
    'orders failed (prod)'
    """
    first = happenings[0]
    kind = "recovered" if mood == "closes" else kind_of(first, kinds)
    told = list(_told(happenings))
    link = link_of(first, alerts)
    title = _title(kind, happenings, told, kinds)
    commands = _commands(happenings)
    pieces = [_about(h, kind) for h in told[:NAMED]] if mood != "closes" else [h.what for h in told[:NAMED]]
    if len(told) > NAMED:
        pieces.append(f"… and {len(told) - NAMED} more: {', '.join(h.name for h in told[NAMED:])}")
    lines = _tail(line for h in happenings for line in h.log) if mood != "closes" else []
    pieces += ["\n".join(["Log:", *(f"  {line}" for line in lines)])] if lines else []
    pieces += [f"Run: {link}"] if link else [f"Run: {first.run}"] if first.run else []
    pieces += ["\n".join(commands[:6])] if commands and mood != "closes" else []
    data = {
        "event": kind,
        "alert": rule,
        "title": title,
        "target": first.target or None,
        "run": first.run or None,
        "link": link,
        "at": plain(first.at),
        "error": next((h.error for h in told if h.error), None),
        "log": lines,
        "commands": commands,
        "nodes": [_data(h, kinds) for h in told],
        **{k: plain(v) for k, v in first.facts.items()},
    }
    return Letter(kind, title, "\n\n".join(piece for piece in pieces if piece), data)


def _commands(happenings: Sequence[Happening]) -> list[str]:
    """What to type next, each once; to retry a run by its id is better than to retry the last one."""
    found = dict.fromkeys(c for h in happenings for each in (h, *h.causes) for c in each.commands)
    return [c for c in found if c != "orc retry" or not any(other.startswith("orc retry --of") for other in found)]


def kind_of(happening: Happening, kinds: frozenset[str]) -> str:
    """What it is to a listener to ``kinds``: the narrowest word it listens to."""
    found = [k for k in KINDS if k in happening.kinds & kinds] or [k for k in KINDS if k in happening.kinds]
    return "gate_failed" if "gate_failed" in found else found[0]


def link_of(happening: Happening, alerts: Alerts) -> str | None:
    """Where a browser sees the run."""
    if not alerts.base_url or not happening.run:
        return None
    return f"{alerts.base_url.rstrip('/')}/runs/{happening.run}"


def _told(happenings: Sequence[Happening]) -> Iterator[Happening]:
    """What a message tells one by one: the causes of a run's failure instead of the run, each once."""
    seen: set[str] = set()
    for each in happenings:
        for one in each.causes or (each,):
            if one.subject not in seen:
                seen.add(one.subject)
                yield one


def _title(kind: str, happenings: Sequence[Happening], told: Sequence[Happening], kinds: frozenset[str]) -> str:
    first = happenings[0]
    target = f" ({first.target})" if first.target else ""
    if kind == "run_failed" and first.causes:
        names = ", ".join(h.name for h in told[:3])
        return f"{first.name} failed{target}: {names}{' …' if len(told) > 3 else ''}"
    if len(told) == 1:
        return f"{first.name} {_SAID[kind]}{target}"
    same = {kind_of(h, kinds) for h in told}
    said = _SAID[kind] if kind == "recovered" or len(same) == 1 else "failed"
    names = ", ".join(h.name for h in told[:3])
    return f"{names}{f' and {len(told) - 3} more' if len(told) > 3 else ''} {_many(said)}{target}"


def _many(said: str) -> str:
    """What is said of one, said of several."""
    verb, _, rest = said.partition(" ")
    return " ".join(filter(None, ({"is": "are", "was": "were"}.get(verb, verb), rest)))


def _about(h: Happening, kind: str) -> str:
    lines = [f"{h.name}: {h.what}" if h.what else f"{h.name} {_SAID[kind]}"]
    lines += [f"  {line}" for line in h.error.splitlines() if line != h.what]
    lines += [f"  at {h.place}"] if h.place else []
    lines += [f"  SQL: {h.compiled}"] if h.compiled else []
    lines += [f"  skipped because of it: {', '.join(h.reached[:10])}{' …' if len(h.reached) > 10 else ''}"] if h.reached else []
    return "\n".join(lines)


def _tail(lines: Iterable[str]) -> list[str]:
    kept = list(dict.fromkeys(lines))[-LINES:]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in kept]


def _data(h: Happening, kinds: frozenset[str]) -> dict[str, object]:
    return {
        "node": h.subject,
        "name": h.name,
        "event": kind_of(h, kinds),
        "what": h.what,
        "error": h.error or None,
        "at": h.place or None,
        "compiled": h.compiled or None,
        "owners": list(h.owners),
        "skipped": list(h.reached),
    }
