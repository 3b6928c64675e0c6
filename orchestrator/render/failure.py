"""What went wrong in a template, as a :class:`Problem` that points at the template, with the chain of macro calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any

from jinja2 import TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from orchestrator.core.errors import OrcError, Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.render.macros import Return
from orchestrator.render.refusal import TemplateFailure

_NAME = re.compile(r"'([^']+)' (?:is undefined|has no attribute '([^']+)')")
_OURS = re.compile(r"'orchestrator\.[\w.<>]+ object'")
_TAG = re.compile(r"\{[{%]")
_LONGEST_TRAIL = 6


def failure(error: BaseException, path: str, text_of: Callable[[str], str], known: Callable[[], Iterator[str]]) -> Problem:
    """The problem behind ``error``, raised while rendering the template at ``path``.

    ``text_of`` gives the text of a template file, ``known`` the names a template may use (for did-you-mean).
    """
    if isinstance(error, TemplateSyntaxError):
        where = error.filename or error.name or path
        quoted = re.search(r"'(\w+)'", error.message or "")
        opened = _opening(text_of(where), error.message)
        span = _span(where, opened or error.lineno, text_of, None if opened else quoted and quoted[1])
        return Problem("R001", f"template syntax: {_lower(error.message)}", span, hint=_tag_hint(error.message))
    code, message, word, hint = _said(error, known)
    span, trail = _place(error, path, text_of, word)
    return Problem(code, message, span, hint=hint, trail=trail)


def placed(error: OrcError, path: str, text_of: Callable[[str], str]) -> tuple[Problem, ...]:
    """The problems of an error that the warehouse raised while a template ran: at the template's line, where none is known."""
    span, trail = _place(error, path, text_of)
    return tuple(p if p.span is not None else replace(p, span=span, trail=trail) for p in error.problems)


def _place(
    error: BaseException, path: str, text_of: Callable[[str], str], word: str | None = None
) -> tuple[Span, tuple[tuple[str, Span], ...]]:
    """Where in the templates the error arose, and the calls that led there."""
    places = list(_places(error.__traceback__)) or [(path, 1)]
    where, line = places[-1]
    calls = [("called from", _span(p, n, text_of)) for p, n in reversed(places[:-1])]
    return _span(where, line, text_of, word), tuple(calls if len(calls) <= _LONGEST_TRAIL else [*calls[:3], *calls[-2:]])


def _said(error: BaseException, known: Callable[[], Iterator[str]]) -> tuple[str, str, str | None, str | None]:
    match error:
        case TemplateFailure():
            quoted = re.search(r"`([^`]+)`", error.message)
            return error.code, error.message, quoted and quoted[1], error.hint
        case UndefinedError():
            found = _NAME.search(str(error))
            if found and not found[2]:
                name = found[1]
                return "R002", f"`{name}` is undefined", name, did_you_mean(name, known())
            return "R002", _lower(_OURS.sub("this value", str(error))), found[2] if found else None, None
        case Return():
            return "R018", "`return` leaves a macro, and this is not inside one", "return", None
        case RecursionError():
            return "R004", "a macro calls itself without end", None, "give the recursion a case in which it stops"
        case MemoryError():
            return "R019", "it makes something larger than there is memory", None, None
        case SecurityError():
            return (
                "R005",
                _lower(str(error)),
                None,
                "templates run in a sandbox: private attributes and changes to shared values are not allowed",
            )
        case TypeError() | ValueError() | KeyError() | AttributeError() | ZeroDivisionError() | IndexError():
            return "R006", f"{type(error).__name__}: {error}", None, None
        case _:
            return "R007", f"{type(error).__name__}: {error}", None, None


def _places(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    """Template files and lines on the way to the error, outermost first."""
    while traceback is not None:
        template: Any = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and template.name:
            yield template.name, template.get_corresponding_lineno(traceback.tb_lineno)
        elif template is None and "__TEMPLATE_NAME__" in traceback.tb_frame.f_globals:
            yield traceback.tb_frame.f_globals["__TEMPLATE_NAME__"], traceback.tb_lineno
        traceback = traceback.tb_next


def _span(path: str, line: int, text_of: Callable[[str], str], word: str | None = None) -> Span:
    """The line, and in it the column of ``word`` or else of the first tag."""
    lines = text_of(path).splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if word:
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
        if found:
            return Span(path, line, found.start() + 1, len(word))
    tag = _TAG.search(text)
    return Span(path, line, tag.start() + 1 if tag else 1)


def _tag_hint(message: str | None) -> str | None:
    said = message or ""
    if "Unexpected end of template" in said or "was looking for the following tags" in said:
        wanted = re.search(r"'(end\w+)'", said.partition("following tags")[2])
        return f"close the block with {{% {wanted[1]} %}}" if wanted else None
    if "unknown tag" in said:
        found = re.search(r"unknown tag '(\w+)'", said)
        return did_you_mean(found[1], _TAGS) if found else None
    return None


_TAGS = (
    *("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "do", "call", "endcall"),
    *("filter", "endfilter", "test", "endtest", "snapshot", "endsnapshot", "raw", "endraw"),
)


def _opening(text: str, message: str | None) -> int | None:
    """The line of the block that is never closed: Jinja knows its kind only, and points at the end of the file."""
    found = re.search(r"Unexpected end of template.*innermost block that needs to be closed is '(\w+)'", message or "")
    if found is None or found[1] == "set":  # `set` closes itself when it has a value
        return None
    open_at: list[int] = []
    for tag in re.finditer(rf"\{{%[-+]?\s*(end)?{found[1]}\b", text):
        if tag[1] is None:
            open_at.append(text.count("\n", 0, tag.start()) + 1)
        elif open_at:
            open_at.pop()
    return open_at[-1] if open_at else None


def _lower(message: str | None) -> str:
    said = (message or "").rstrip(".")
    return said[:1].lower() + said[1:]
