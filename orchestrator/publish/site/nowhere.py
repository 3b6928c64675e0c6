"""Texts without the places of this machine."""

from __future__ import annotations

import json
import re
from functools import lru_cache


def nowhere(text: str, root: str, home: str = "") -> str:
    r"""JSON in which paths begin at the project: ``root`` is its folder, ``home`` the user's. The path of a URL is no place of ours.

    >>> nowhere('["\\n/app/models/a.sql", "in /app", "https://x.org/app/y", "/apple"]', "/app")
    '["\\nmodels/a.sql", "in .", "https://x.org/app/y", "/apple"]'
    """
    for place, inside, itself in ((root, "", "."), (home, "~/", "~")):
        if len(place) > 2 and _said(place) in text:
            text = _pattern(place).sub(lambda m, i=inside, s=itself: i if m[1] else s, text)  # type: ignore[misc]
    return text


def _said(place: str) -> str:
    return json.dumps(place.rstrip("/\\"))[1:-1]


@lru_cache(8)
def _pattern(place: str) -> re.Pattern[str]:
    """The place, where a path begins: behind no letter (except that of an escape) and no other part of a path."""
    return re.compile(rf"(?:(?<![\w./~-])|(?<=\\[nrtbf])|(?<=file://)){re.escape(_said(place))}(?:(/|\\\\)|(?![\w.-]))")
