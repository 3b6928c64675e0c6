"""What every way of writing problems down needs to know of one: its place in the repository, its name, its one text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.rules import RULES

NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "breaking-change": ("breaking-change", "a change that breaks somebody who reads it"),
        "failed-test": ("failed-test", "a test that fails"),
        "failed-build": ("failed-build", "a model that cannot be built"),
    }
)
"""What a review finds beside rules and errors with codes of their own: name and meaning by code."""


def in_order(found: Iterable[Problem]) -> list[Problem]:
    """By place, then by code."""
    return sorted(found, key=lambda p: (spot(p).path, spot(p).line, spot(p).column, p.code))


def spot(problem: Problem) -> Span:
    """Where a problem is; its path is empty when nobody knows."""
    return problem.span or Span("", 1)


def name(code: str) -> str:
    """What a code is called; a code without a name of its own is its own name.

    >>> name("S301"), name("X101")
    ('unused-cte', 'X101')
    """
    return RULES[code].name if code in RULES else NAMES[code][0] if code in NAMES else code


def meaning(code: str) -> str | None:
    """What a code stands for, in a few words; ``None`` when it is told by the messages alone."""
    return RULES[code].meaning if code in RULES else NAMES[code][1] if code in NAMES else None


def said(problem: Problem) -> str:
    """Message and hint as one text."""
    return problem.message + (f". {problem.hint}" if problem.hint else "")


def located(path: str, folder: str) -> str:
    """A path of the project as its repository has it; ``folder`` is where the project is there.

    >>> located("models/a.sql", "shop/"), located("models/a.sql", ""), located("", "shop")
    ('shop/models/a.sql', 'models/a.sql', '')
    """
    inside = folder.strip("/")
    return f"{inside}/{path}" if path and inside not in ("", ".") else path
