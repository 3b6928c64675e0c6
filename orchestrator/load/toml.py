"""TOML with lines: the standard library reads the values, a scan finds where their keys stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.load.decoded import decoded
from orchestrator.load.lines import Document, Tree

_KEY = r"""(?:[A-Za-z0-9_+-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_PART = re.compile(_KEY)


def read_toml(path: str, content: bytes, table: tuple[str, ...] = ()) -> Document:
    r"""Read the ``table`` of a TOML file (``None`` when the file has none) with its lines.

    Raises:
        ConfigError: the text is not TOML, and where.

    >>> read_toml("pyproject.toml", b"[tool.orchestrator]\nname = 'a'", ("tool", "orchestrator")).lines
    [1, 2]
    """
    import tomllib

    text = decoded(path, content)
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", said)
        span = Span(path, int(place[1]), int(place[2])) if place else Span(path, text.count("\n") + 1)
        raise ConfigError(Problem("C201", f"not readable as TOML: {re.sub(r' .at [^()]*.$', '', said)}", span)) from None
    for key in table:
        data = data.get(key) if isinstance(data, Mapping) else None
    if data is None:
        return Document(path, None, 1)
    lines = _lines(text)
    return Document(path, data, _tree(data, table, lines, lines.get(table, 1)))


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Lines of keys by path; first come, first served. Text inside a multi-line string may pose as a key, but no value asks for it."""
    found: dict[tuple[str, ...], int] = {}
    here: tuple[str, ...] = ()
    count: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            here = _parts(header[2])
            if header[1] == "[[":
                count[here] = count.get(here, -1) + 1
                found.setdefault(here, number)
                here = (*here, str(count[here]))
        elif assignment := _ASSIGNMENT.match(line):
            path = (*here, *_parts(assignment[1]))
            for end in range(len(here) + 1, len(path) + 1):
                found.setdefault(path[:end], number)
            continue
        else:
            continue
        for end in range(1, len(here) + 1):
            found.setdefault(here[:end], number)
        found[here] = min(found[here], number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _tree(data: Any, path: tuple[str, ...], lines: Mapping[tuple[str, ...], int], above: int) -> Tree:
    line = lines.get(path, above)
    if isinstance(data, Mapping):
        return [line, *(_tree(v, (*path, k), lines, line) for k, v in data.items())]
    if isinstance(data, list):
        return [line, *(_tree(v, (*path, str(i)), lines, line) for i, v in enumerate(data))]
    return line
