"""What authors silence: ``-- noqa`` comments in SQL, Jinja and YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.core.rules import code_of

TOP = 10
"""Lines at the top of a file where ``noqa-file`` may stand."""

_COMMENT = re.compile(
    r"(?:--|#|/\*|\{#-?)\s*(?P<word>noqa(?P<file>-file)?\b(?:\s*:\s*(?P<codes>[\w.-]+(?:\s*,\s*[\w.-]+)*))?)", re.IGNORECASE
)
_OURS = re.compile(r"s\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Noqa:
    """One comment. ``codes`` are rules of ours, ``None`` for all; ``unknown`` look like ours and are none; ``others`` are other tools'.

    ``line`` and ``column`` (from 1) and ``length`` are its place; ``whole`` says that it speaks for the file.
    """

    line: int
    column: int
    length: int
    codes: tuple[str, ...] | None
    whole: bool = False
    unknown: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def covers(self, code: str, line: int) -> bool:
        """Whether it silences a rule at a line."""
        return (self.whole or line == self.line) and (self.codes is None or code in self.codes or code in self.others)


def noqas(text: str) -> tuple[Noqa, ...]:
    r"""All such comments of a file.

    >>> [(n.line, n.codes) for n in noqas("select 1 -- noqa: S301, unused-cte\n, 2 {# noqa #}\n-- noqa: LT01")]
    [(1, ('S301', 'S301')), (2, None), (3, ())]
    """
    if "noqa" not in text.lower():
        return ()
    found: list[Noqa] = []
    for number, line in enumerate(text.split("\n"), 1):
        for match in _COMMENT.finditer(line):
            whole = match["file"] is not None
            if whole and number > TOP:
                continue
            words = [] if match["codes"] is None else [word.strip() for word in match["codes"].split(",")]
            codes = tuple(code for word in words if (code := code_of(word)) is not None)
            strange = [word for word in words if code_of(word) is None]
            unknown = tuple(word for word in strange if _OURS.match(word))
            others = tuple(word.upper() for word in strange if not _OURS.match(word))
            place = (number, match.start("word") + 1, len(match["word"]))
            found.append(Noqa(*place, codes if words else None, whole, unknown, others))
    return tuple(found)
