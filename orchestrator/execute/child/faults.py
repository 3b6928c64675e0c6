"""What went wrong inside the child, as plain data the parent turns into a problem at the author's line."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from collections.abc import Iterable
from typing import Any

LONGEST = 4000
"""Characters of an exception's own message that are worth sending."""

_OURS = os.path.realpath(__file__).rsplit(os.sep, 3)[0]
"""This package: a project that contains it (the demo does) does not own it."""


class Fault(Exception):  # noqa: N818 -- seen by authors in tracebacks; it reads better than ModelFaultError
    """The author's code asked for, or returned, something that cannot be. ``refused`` numbers the question the warehouse refused."""

    def __init__(self, code: str, message: str, hint: str | None = None, *, refused: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.after: float | None = None
        self.refused = refused


def describe(error: BaseException, filename: str, root: str) -> dict[str, Any]:
    """An exception as a message: what, the author's frames outermost first, and a traceback without anybody else's lines."""
    told = traceback.TracebackException.from_exception(error)
    frames = _keep_authors_frames(told, filename, root)
    frames += _syntax_frame(error, filename, root)
    text = _text(error)
    hint: str | None = None
    code = "X206" if isinstance(error, MemoryError) else "X201"
    if isinstance(error, Fault):
        code, hint, message = error.code, error.hint, text
    else:
        message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return {
        "say": "failed",
        "code": code,
        "message": message[:LONGEST],
        "hint": hint,
        "later": _later(error),
        "refused": getattr(error, "refused", None) if isinstance(error, Fault) else None,
        "frames": frames,
        "traceback": "".join(told.format()),
    }


_ELSEWHERE = frozenset({"ConnectionError", "ConnectError", "ConnectTimeout", "ReadTimeout", "Timeout", "TimeoutError", "TimeoutException"})
"""Names of exceptions, Python's own and those of libraries that speak over networks, that say that somebody else was not there."""


def _later(error: BaseException) -> float | None:
    """Whether trying again may help, and the seconds to wait at least: the author's own word, or the kind of exception."""
    after = getattr(error, "after", None)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if ("Retry" in kinds or isinstance(error, Fault)) and isinstance(after, int | float):
        return float(after)
    return 0.0 if kinds & _ELSEWHERE else None


def _text(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # noqa: BLE001 -- the author's __str__ may do anything
        return "(its message cannot be shown)"


def _keep_authors_frames(told: traceback.TracebackException, filename: str, root: str) -> list[dict[str, Any]]:
    """Drop frames of libraries and of this package, in the whole chain; return the outermost exception's."""
    seen: set[int] = set()
    waiting = [told]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = traceback.StackSummary.from_list(frame for frame in one.stack if is_authors(frame.filename, filename, root))
        waiting += [link for link in (one.__cause__, one.__context__, *(one.exceptions or ())) if link is not None]
    return [_frame(frame, filename, root) for frame in told.stack]


def is_authors(path: str, filename: str, root: str) -> bool:
    """Whether a code object's file belongs to the project rather than to Python or a library installed inside the project folder."""
    if path == filename:
        return True
    if not os.path.isabs(path):  # noqa: PTH117 -- no pathlib here; <string>, <frozen ...>, Cython says pyarrow/error.pxi
        return False
    real = os.path.realpath(path)
    others = (sys.prefix, _OURS)
    return _under(real, os.path.realpath(root)) and "site-packages" not in real and not any(_under(real, other) for other in others)


def _under(path: str, folder: str) -> bool:
    return path.startswith(folder + os.sep)


def _frame(frame: traceback.FrameSummary, filename: str, root: str) -> dict[str, Any]:
    line = linecache.getline(frame.filename, frame.lineno or 0)  # frame.line is stripped; columns count in the unstripped one
    column, end = _characters(line, frame.colno), _characters(line, frame.end_colno)
    one_line = column is not None and end is not None and frame.end_lineno == frame.lineno
    return {
        "path": _shown(frame.filename, filename, root),
        "line": frame.lineno or 1,
        "column": (column or 0) + 1,
        "length": max(1, (end or 0) - (column or 0)) if one_line else 1,
        "function": frame.name,
    }


def _characters(line: str, offset: int | None) -> int | None:
    """Python counts columns in UTF-8 bytes; readers count characters."""
    return None if offset is None else len(line.encode()[:offset].decode(errors="ignore"))


def _shown(path: str, filename: str, root: str) -> str:
    return path if path == filename else os.path.relpath(os.path.realpath(path), os.path.realpath(root)).replace(os.sep, "/")


def _syntax_frame(error: BaseException, filename: str, root: str) -> Iterable[dict[str, Any]]:
    """A syntax error has no frame of its own: the place is in the exception."""
    if not isinstance(error, SyntaxError) or not error.filename or not is_authors(error.filename, filename, root):
        return []
    path = _shown(error.filename, filename, root)
    return [{"path": path, "line": error.lineno or 1, "column": error.offset or 1, "length": 1, "function": "<module>"}]
