"""How static checks went, in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.core.errors import Problem


def summary(found: Sequence[Problem], judged: int, silenced: int, unjudged: Sequence[tuple[str, str]], unread: int = 0) -> str:
    """One line that says how it went.

    >>> summary([], 12, 1, [("late_one", "its text is known only when it runs")])
    '12 queries checked: nothing found, 1 silenced by noqa; 1 not judged: its text is known only when it runs (late_one)'
    """
    counts = Counter("error" if p.severity == "error" else "warning" for p in found)
    said = [f"{counts[word]} {word}{'s' if counts[word] != 1 else ''}" for word in ("error", "warning") if counts[word]] or [
        "nothing found"
    ]
    said += [f"{silenced} silenced by noqa"] if silenced else []
    line = f"{judged} quer{'ies' if judged != 1 else 'y'} checked: {', '.join(said)}"
    for reason in dict.fromkeys(why for _, why in unjudged):
        names = [name for name, why in unjudged if why == reason]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        line += f"; {len(names)} not judged: {reason} ({', '.join(names[:5])}{more})"
    return line + (f"; sqlfluff cannot read {unread}" if unread else "")
