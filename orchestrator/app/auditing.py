"""The audit for programs, and what people ask of a token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.audit import COLUMNS, Entry
from orchestrator.core.duration import duration
from orchestrator.core.errors import Problem, UsageError

SCOPES = ("read", "run", "admin")
"""What a token may be good for, beside ``trigger:<name>``."""

_NAME = re.compile(r"[\w.@-]{1,64}")
_TRIGGER = re.compile(r"trigger:(\*|[\w-]+)")


def as_data(entry: Entry) -> dict[str, Any]:
    """An entry as JSON-able data: what was before and after as the values they are."""
    told = asdict(entry)
    return {**told, **{name: json.loads(told[name]) if told[name] else None for name in ("before", "after")}}


def exported(entries: Iterable[Entry], format_: str) -> Iterator[str]:
    """Entries as lines of JSON, each value as it is hashed, or of CSV with names in the first, for spreadsheets."""
    if format_ == "jsonl":
        for entry in entries:
            yield json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        return
    import csv
    import io

    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\r\n")
    for row in ([*COLUMNS], *([_cell(getattr(entry, name)) for name in COLUMNS] for entry in entries)):
        writer.writerow(row)
        yield kept.getvalue()
        kept.seek(0)
        kept.truncate()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: names of runs and actors come from others, too."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def scoped(name: str, scopes: Sequence[str]) -> tuple[str, ...]:
    """The scopes of a token.

    Raises:
        UsageError: U120, one is none, or the name is none.

    >>> scoped("ci", ["read,trigger:loaded"])
    ('read', 'trigger:loaded')
    """
    if not _NAME.fullmatch(name):
        raise UsageError(Problem("U120", f"`{name}` is no name of a token", None, "up to 64 letters, digits and `_ . @ -`"))
    found = tuple(dict.fromkeys(word.strip() for text in scopes for word in text.split(",") if word.strip()))
    for scope in found:
        if scope not in SCOPES and not _TRIGGER.fullmatch(scope):
            raise UsageError(Problem("U120", f"`{scope}` is no scope", None, "read, trigger:NAME, trigger:*, run (reads, too) or admin"))
    if not found:
        raise UsageError(Problem("U120", f"the token `{name}` would be good for nothing", None, "--scope read"))
    return found


def expiry(text: str, now: datetime) -> datetime | None:
    """Until when a token is good that is made now.

    Raises:
        UsageError: U120, it is no length of time.
    """
    if text == "never":
        return None
    try:
        return now + timedelta(seconds=duration(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(Problem("U120", f"`--expires {text}`: {error}", None, "--expires 30d, or never")) from None
