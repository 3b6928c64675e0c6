"""Problems as people read them: what, where (with the line itself), how it came there, and what to do about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span

LIMIT = 20
"""Problems shown at once: beyond that a reader starts over anyway after fixing the first ones."""

TAB = "    "
_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"

_COMMAND = re.compile(r"(?m)^(\s*)::")

ReadText = Callable[[str], str | None]
"""The text of a project file by path; ``None`` when it cannot be had."""


def no_text(_path: str) -> str | None:
    """A :data:`ReadText` for when no file can be read: problems are rendered without code frames."""
    return None


def problems(found: Iterable[Problem], text: ReadText = no_text, *, colour: bool = False, width: int = 100, limit: int = LIMIT) -> str:
    """Several problems as text, by file and line, each told once, at most ``limit`` of them. ``width`` is in columns.

    >>> print(problems([Problem("L012", "b is missing", Span("m.sql", 2)), Problem("L012", "a is missing", Span("m.sql", 1))]))
    error[L012]: a is missing
      m.sql:1:1
    <BLANKLINE>
    error[L012]: b is missing
      m.sql:2:1
    """
    ordered = sorted(dict.fromkeys(found), key=_order)
    shown = [problem(one, text, colour=colour, width=width) for one in ordered[:limit]]
    if rest := len(ordered) - limit:
        shown += [f"and {rest} more"] if rest > 0 else []
    return "\n\n".join(shown)


def problem(one: Problem, text: ReadText = no_text, *, colour: bool = False, width: int = 100) -> str:
    """One problem as text: headline, place, code frame, trail and hint.

    >>> here = Problem("P001", "unknown word", Span("m.sql", 1, 8, 3), hint="did you mean `from`?")
    >>> print(problem(here, {"m.sql": "select frm t"}.get))
    error[P001]: unknown word
      m.sql:1:8
        1 | select frm t
          |        ^^^
    hint: did you mean `from`?
    """
    tint = _RED if one.severity == "error" else _YELLOW
    first, *more = printable(one.message).splitlines() or [""]
    head = f"{_paint(f'{one.severity}[{one.code}]', tint, colour)}: {_paint(first, _BOLD, colour)}"
    lines = [head, *(f"  {line}" for line in more)]
    if one.span:
        lines += [f"  {_place(one.span)}", *_frame(one.span, text(one.span.path), tint, colour=colour, width=width)]
    lines += [f"  {printable(what)} {_place(span)}" for what, span in one.trail]
    if one.hint:
        start, *rest = printable(one.hint).splitlines() or [""]
        lines += [f"{_paint('hint', _BLUE, colour)}: {start}", *(f"      {line}" for line in rest)]
    return "\n".join(map(uncommanded, lines))


def _place(span: Span) -> str:
    """A place on one line, whatever its file is called."""
    return printable(str(span)).replace("\n", "\\n")


def columns(text: str) -> int:
    r"""How many terminal columns a text takes: 2 for wide characters, 0 for combining ones.

    >>> columns("ab"), columns("日本"), columns("e\u0301")
    (2, 4, 1)
    """
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def printable(text: str) -> str:
    r"""A text without the control characters (line breaks and tabs excepted) that could steer a terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or not _steers(c) else repr(c)[1:-1] for c in text)


def uncommanded(text: str) -> str:
    r"""A text without commands to the CI server that shows it: GitHub's runner obeys lines that begin with two colons, even indented ones.

    >>> print(uncommanded("a model\n  ::add-mask::x\n##[error]y"))
    a model
      \::add-mask::x
    #\#[error]y
    """
    if "::" not in text and "##[" not in text:
        return text
    return _COMMAND.sub(r"\1\\::", text).replace("##[", "#\\#[")


def _steers(character: str) -> bool:
    # Cc: escape sequences; Cf: bidirectional overrides that make text read other than it is.
    return unicodedata.category(character) == "Cc" or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _order(one: Problem) -> tuple[str, int, int, str]:
    span = one.span or Span("", 0, 0)
    return (span.path, span.line, span.column, one.code)


def _frame(span: Span, text: str | None, tint: str, *, colour: bool, width: int) -> list[str]:
    lines = [] if text is None else text.removeprefix("\ufeff").split("\n")  # splitlines() also splits where editors do not
    if not 1 <= span.line <= len(lines):
        return []
    line = lines[span.line - 1].rstrip("\r")
    column = span.column
    if (column, span.length) == (1, 1):  # a place known by its line only: mark where its text begins
        column = len(line) - len(line.lstrip()) + 1 if line.strip() else 1
    before, rest = line[: column - 1], line[column - 1 :]
    marked, after = rest[: max(span.length, 1)], rest[max(span.length, 1) :]
    shown, start, marks = _window(_plain(before), _plain(marked), _plain(after), max(width - 8, 20))
    gutter = f"{span.line:>5} |"
    blank = " " * (len(gutter) - 1) + "|"
    carets = " " * start + _paint("^" * marks, tint, colour)
    return [f"{_paint(gutter, _BLUE, colour)} {shown}".rstrip(), f"{_paint(blank, _BLUE, colour)} {carets}"]


def _plain(text: str) -> str:
    return printable(text).replace("\t", TAB)


def _window(before: str, marked: str, after: str, width: int) -> tuple[str, int, int]:
    """The part of a line to show, the column its marks start in, and how many marks: cut around the mark when too long."""
    if columns(before + marked + after) <= width:
        return before + marked + after, columns(before), max(columns(marked), 1)
    marked = _head(marked, width // 2) if columns(marked) > width // 2 else marked
    room = width - columns(marked) - 2  # an ellipsis on each side
    left = _tail(before, max(room // 2, room - columns(after)))
    right = _head(after, room - columns(left))
    opening = "…" if len(left) < len(before) else ""
    closing = "…" if len(right) < len(after) else ""
    return opening + left + marked + right + closing, columns(opening + left), max(columns(marked), 1)


def _head(text: str, width: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[:index]
    return text


def _tail(text: str, width: int) -> str:
    return _head(text[::-1], width)[::-1]


def _paint(text: str, tint: str, colour: bool) -> str:
    return f"{tint}{text}{_OFF}" if colour else text
