"""The YAML parser's complaints, in the words of somebody who wants to fix a properties file."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span

_QUOTE = "put the whole value in quotes"
_JINJA = 'put quotes around the Jinja expression: "{{ … }}"'
_INDENT = "line it up with its neighbours; YAML nests by spaces"


def complaint(path: str, text: str, bad: Exception) -> Problem:
    """Say what is wrong with ``text``, where, and what to do about it, given the parser's exception."""
    said = str(getattr(bad, "problem", "") or bad)
    mark, context = getattr(bad, "problem_mark", None), getattr(bad, "context_mark", None)
    if mark is None:
        return _control_character(path, text) or Problem("C101", f"not readable as YAML: {said}", Span(path))
    line, column = mark.line + 1, mark.column + 1
    lines = text.splitlines() or [""]
    row = lines[mark.line] if mark.line < len(lines) else ""
    here = row[mark.column : mark.column + 1]
    tab = _tab(row, said, here)
    if tab is not None:
        return Problem(
            "C111", "a tab is used for indentation; YAML allows spaces only", Span(path, line, tab + 1), "replace the tab with spaces"
        )
    if context is not None and "quoted scalar" in str(getattr(bad, "context", "")) and "end of stream" in said:
        return Problem("C101", "the quote opened here is never closed", _span(path, context), "add the closing quote")
    if closing := re.search(r"',' or '([]}])'", said):
        opened = "[" if closing[1] == "]" else "{"
        if context is not None and "{{" in _row(lines, context.line):
            return Problem("C101", "Jinja is not quoted", _span(path, context, 2), _JINJA)
        hint = f"add `{closing[1]}`, or a comma between the items"
        where = f"in line {line}" if line <= len(lines) else "at the end of the file"
        return Problem("C101", f"the `{opened}` opened here is not closed {where}", _span(path, context or mark), hint)
    if "could not find expected ':'" in said and context is not None:
        line, column = context.line + 1, context.column + 1
    message, hint = _sentence(said, row, here)
    if "{{" in row[: mark.column + 2] or "{%" in row[: mark.column + 2]:
        message, hint = "Jinja is not quoted", _JINJA
        column = min(i for i in (row.find("{{"), row.find("{%")) if i >= 0) + 1
    return Problem("C101", message, Span(path, min(line, len(lines)), column), hint)


_SENTENCES = (
    # what the parser says, what that means, what to do
    (
        "mapping values are not allowed",
        "a second `:` in this line, or a line indented too far",
        f"{_QUOTE} if the `:` belongs to it, else fix the indentation",
    ),
    ("block sequence entries are not allowed", "a list item cannot start here", "start the list on a new line, under its key"),
    ("could not find expected ':'", "a key without `:`", "write `key: value`; indent the line if it goes on with the text above"),
    ("expected '-' indicator", "this line is not an item of the list around it", _INDENT),
    ("did not find expected key", "this line does not line up with the keys around it", _INDENT),
    ("cannot start any token", "a value cannot start with `{here}`", _QUOTE),
    ("alphabetic or numeric", "`*` and `&` start an alias or anchor here", _QUOTE),
    ("unknown escape", "a backslash in double quotes starts an escape", "use single quotes, or write the backslash twice"),
    ("undefined tag handle", "`!` starts a tag here, and tags are not supported", _QUOTE),
    ("comment or line break", "text after `>` or `|`", f"start the text on the next line, or {_QUOTE}"),
)


def _sentence(said: str, row: str, here: str) -> tuple[str, str]:
    """Message and hint for what the parser ``said`` about character ``here`` of line ``row``."""
    if "did not find expected key" in said and re.search(r":\s+(['\"]).*\1", row):
        return "text after the closing quote", _QUOTE
    for clue, message, hint in _SENTENCES:
        if clue in said:
            return message.format(here=here), hint
    return f"not readable as YAML: {said}", ""


def _tab(row: str, said: str, here: str) -> int | None:
    """Where the tab is that the parser trips over, if it is one."""
    lead = row[: len(row) - len(row.lstrip(" \t-"))]
    if here == "\t" or "tab character" in said or ("\t" in lead and "expected" in said):
        return max(row.find("\t"), 0)
    return None


def _control_character(path: str, text: str) -> Problem | None:
    found = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if not found:
        return None
    line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
    return Problem("C101", f"the control character U+{ord(found[0]):04X} is not allowed", Span(path, line, column), "delete it")


def _row(lines: list[str], index: int) -> str:
    return lines[index] if index < len(lines) else ""


def _span(path: str, mark: Any, length: int = 1) -> Span:
    return Span(path, mark.line + 1, mark.column + 1, length)
