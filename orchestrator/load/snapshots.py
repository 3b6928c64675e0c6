"""Snapshots as files declare them: ``{% snapshot name %}`` blocks, several to a file, and properties entries that name a ``relation``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Properties

_TAG = re.compile(
    r"(?P<comment>\{#.*?(?:#\}|\Z))|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    r"|\{%[-+]?\s*(?:snapshot\b\s*(?P<name>\w*)|(?P<end>endsnapshot))\s*[-+]?%\}",
    re.DOTALL,
)
_CALL = re.compile(r"(?:ref|source)\s*\(.*\)", re.DOTALL)
_NAME = re.compile(r"[^\s(){}'\"%;]+(?:\.[^\s(){}'\"%;]+){0,2}")


@dataclass(frozen=True, slots=True)
class Block:
    """One snapshot of a file. ``text`` is a template of its own whose lines are the file's: a comment stands for all before it."""

    name: str
    text: str
    line: int


def blocks(path: str, text: str) -> tuple[list[Block], list[Problem]]:
    r"""The snapshots of a file, and what is wrong with the tags around them.

    >>> (block,), _ = blocks("snapshots/a.sql", "-- mine\n{% snapshot a %}select 1{% endsnapshot %}")
    >>> block.name, block.line, block.text
    ('a', 2, '{#       \n              #}select 1')
    """
    found: list[Block] = []
    problems: list[Problem] = []
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if tag["name"] is None and tag["end"] is None:
            continue
        if tag["name"] and opened is None:
            opened = tag
        elif tag["end"] and opened is not None:
            found.append(Block(opened["name"], _alone(text, opened.end(), tag.start()), _line(text, opened.start())))
            opened = None
        else:
            wrong = "has no name" if tag["name"] == "" else "stands inside another snapshot" if tag["name"] else "ends nothing"
            shown = "endsnapshot" if tag["end"] else "snapshot"
            problems.append(_problem(path, text, tag, f"this `{{% {shown} %}}` {wrong}"))
    if opened is not None:
        problems.append(_problem(path, text, opened, f"the snapshot `{opened['name']}` is never closed"))
    return found, problems


def query(entry: Properties) -> tuple[str, Problem | None]:
    """The template of a snapshot that is a properties entry: everything that ``relation`` names.

    ``relation`` is a call of ``ref`` or ``source``, or a plain name.
    """
    said = str(entry.data["relation"]).strip()
    span = entry.at("relation")
    padding = "{#" + "\n" * (span.line - 1) + "#}"
    if _CALL.fullmatch(said):
        return f"{padding}select * from {{{{ {said} }}}}", None
    if _NAME.fullmatch(said):
        return f"{padding}select * from {said}", None
    message = f"`relation: {said}` is neither a call of ref() or source() nor a name"
    return "", Problem("C131", message, span, "relation: ref('orders')")


def _alone(text: str, start: int, end: int) -> str:
    blank = re.sub(r"[^\n]", " ", text[:start])
    return ("{#" + blank[:-2] if "\n" in blank else "{#" + blank[2:-2]) + "#}" + text[start:end]


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _problem(path: str, text: str, tag: re.Match[str], message: str) -> Problem:
    at = tag.start()
    span = Span(path, _line(text, at), at - text.rfind("\n", 0, at), tag.end() - at)
    return Problem("C130", message, span, "{% snapshot name %} … {% endsnapshot %}")
