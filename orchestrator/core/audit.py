"""Who did what, when and from where, as a chain: each entry holds the hash of the one before it, so that none can be changed unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

GENESIS = "0" * 64
"""What stands before the first entry."""

TELLING = 12
"""Characters of a hash that are enough to know it by."""

PRUNED = "audit.pruned"
"""The action of an entry that says up to which number entries were taken away, and with which hash they ended."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. ``kind`` is how that is known: ``cli``, ``ci``, ``schedule``, ``token``, ``user``, ``signature``, ``local``,
    ``anonymous``. ``source`` is where from: a host, or the address a request comes from.
    """

    kind: str
    name: str
    source: str = ""


def actor(trigger: str, name: str, source: str, email: str = "") -> Actor:
    """Who is behind a run, by what its history says of it; ``email`` is what git knows of whoever sits at the machine.

    >>> actor("api:loaded", "token:ci", "db1"), actor("cli", "ann@laptop", "laptop", "ann@example.com").name
    (Actor(kind='token', name='ci', source='db1'), 'ann@laptop <ann@example.com>')
    """
    kind = trigger.partition(":")[0] or "cli"
    if kind == "api" and name:
        known, _, who = name.partition(":")
        return Actor(known, who, source)
    return Actor(kind, f"{name} <{email}>" if email and kind in ("cli", "manual") else name, source)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody does: ``action`` is a word like ``schedule.paused``, ``object`` what it is done to.

    ``before`` and ``after`` are what changed, as far as that can be said, in values of JSON; ``run`` is the run it is about.
    """

    actor: Actor
    action: str
    object: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed as it is kept: all texts, ``at`` in UTC, ``before`` and ``after`` JSON. ``previous`` is the hash of entry ``seq - 1``."""

    seq: int
    at: str
    kind: str
    actor: str
    source: str
    action: str
    object: str
    before: str | None
    after: str | None
    run: str | None
    previous: str
    hash: str = ""


COLUMNS = tuple(f.name for f in fields(Entry))


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain as somebody saw it: ``seen`` says who."""

    seq: int | None
    hash: str
    seen: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a chain: ``faults`` are sentences, none when it holds. ``head`` is the hash it ends with."""

    count: int
    head: str
    faults: tuple[str, ...] = ()


def hashed(entry: Entry) -> str:
    """The hash of an entry: SHA-256 of the hash before it and of all it says, each value told apart from the next.

    >>> hashed(Entry(1, "t", "cli", "ann", "h", "run.started", "r", None, None, "r", GENESIS))[:8]
    'b1f545af'
    """
    said = {name: getattr(entry, name) for name in COLUMNS if name not in ("previous", "hash")}
    return hashlib.sha256((entry.previous + json.dumps(said, sort_keys=True, separators=(",", ":"))).encode()).hexdigest()


def verified(entries: Iterable[Entry], heads: Iterable[Head] = ()) -> Verdict:
    """Whether a chain, oldest entry first, is as it was written, and still reaches every end that was seen of it.

    A chain that does not begin at its beginning needs an entry that says who took away what was there.
    """
    faults: list[str] = []
    hashes: dict[int, str] = {}
    pruned: dict[int, str] = {}
    last: Entry | None = None
    start = (0, GENESIS)
    count = 0
    for entry in entries:
        count += 1
        if last is None:
            start = (entry.seq - 1, entry.previous)
        else:
            faults += _joined(last, entry)
        if hashed(entry) != entry.hash:
            faults.append(f"row {entry.seq} ({entry.action} {entry.object}, {entry.at}) is not as it was written")
        if entry.action == PRUNED:
            pruned |= _taken(entry)
        hashes[entry.seq] = entry.hash
        last = entry
    if start != (0, GENESIS) and pruned.get(start[0]) != start[1]:
        faults.insert(0, f"rows 1 to {start[0]} are missing, and no row says who took them away")
    faults += _unreached(heads, hashes, start[0])
    return Verdict(count, last.hash if last else GENESIS, tuple(faults))


def _joined(last: Entry, entry: Entry) -> Iterator[str]:
    if entry.seq != last.seq + 1:
        lost = f"row {last.seq + 1} is" if entry.seq == last.seq + 2 else f"rows {last.seq + 1} to {entry.seq - 1} are"
        yield f"{lost} missing"
    elif entry.previous != last.hash:
        yield f"row {entry.seq} ({entry.action} {entry.object}, {entry.at}) does not follow on row {last.seq}"


def _taken(entry: Entry) -> dict[int, str]:
    try:
        return {int(entry.object): str(json.loads(entry.after or "{}")["hash"])}
    except (ValueError, KeyError):  # changed by hand: its own hash does not hold either
        return {}


def _unreached(heads: Iterable[Head], hashes: Mapping[int, str], gone: int) -> Iterator[str]:
    known = frozenset(hashes.values())
    end = max(hashes, default=gone)
    for head in heads:
        if head.seq is not None and head.seq <= gone:
            continue  # taken away since, as a row says
        if head.seq is None:
            if len(head.hash) >= TELLING and any(each.startswith(head.hash) for each in known):
                continue
            yield f"no row has the hash {head.hash[:12]} that {head.seen} saw"
        elif hashes.get(head.seq) == head.hash:
            continue
        elif head.seq > end:
            yield f"the end is cut: {head.seen} saw row {head.seq}, the last one is {end}"
        elif head.seq in hashes:
            yield f"row {head.seq} is not the one that {head.seen} saw"
