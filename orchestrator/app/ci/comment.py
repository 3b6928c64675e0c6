"""One comment on a pull request, kept up to date: found by its marker, changed in place, never there twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from orchestrator.core.errors import ForgeError, Problem, UsageError
from orchestrator.core.ports import Clock, Forge, Posted

MARKER = re.compile(r"<!-- orc:review:[\w.]+ -->")

DEADLINE = 180.0
"""Seconds after which a comment is given up: a job that waits longer costs more than the comment is worth."""

ATTEMPTS = 8
LONGEST_REST = 30.0
"""Seconds between two attempts when the forge does not say how long."""


@dataclass(frozen=True, slots=True)
class Commented:
    """What became of it."""

    what: Literal["created", "updated", "unchanged"]
    posted: Posted


def comment(forge: Forge, text: str, clock: Clock, rest: Callable[[float], None]) -> Commented:
    """Make the pull request's comment say ``text``.

    What failed in passing is tried again, from the search on: a comment whose answer got lost is found and not made twice.

    Raises:
        UsageError: U069, ``text`` is no report: it does not begin with the marker.
        ForgeError: U067 it is not allowed; U068 the forge fails, or did not answer in time.
    """
    marker = MARKER.match(text)
    if marker is None:
        raise UsageError(
            Problem("U069", "this is no report of `orc ci`: it does not begin with its marker", hint="--report FOLDER/review.md")
        )
    begun = clock.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(forge, text, marker[0])
        except ForgeError as error:
            if not error.transient:
                raise
            pause = min(2.0 ** (attempt - 1), LONGEST_REST) if error.after is None else error.after
            if attempt == ATTEMPTS or clock.monotonic() - begun + pause > DEADLINE:
                tried = f"tried {attempt} time{'s' if attempt > 1 else ''}"
                asked = f"; it asks to wait {pause:.0f} s" if error.after is not None and error.after > DEADLINE else ""
                raise ForgeError(Problem("U068", f"{error.first.message} ({tried}{asked})", hint="run the job again")) from None
            rest(pause)
    raise AssertionError("the last attempt returns or raises")


def _once(forge: Forge, text: str, marker: str) -> Commented:
    found = forge.find(marker)
    if found is None:
        made = forge.create(text)
        first = forge.find(marker)
        if first is None or first.id == made.id:
            return Commented("created", made)
        forge.delete(made.id)  # another job looked and wrote at the same time: what both see first stays
        found = first
    if _same(found.body, text):
        return Commented("unchanged", found)
    return Commented("updated", forge.update(found.id, text))


def _same(one: str, other: str) -> bool:
    """Forges change line ends and trim."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
