"""The console of a run: a live view where somebody watches, plain lines everywhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TextIO

from orchestrator.core.ports import Sink
from orchestrator.report.json_lines import JsonLines
from orchestrator.report.lines import Lines, Style


def console(stream: TextIO, env: Mapping[str, str], style: Style, *, json: bool, pid: int, now: Callable[[], datetime]) -> Sink:
    """The sink that tells a run to ``stream``. ``env`` are the process's variables; ``now`` is the clock of elapsed times."""
    if json:
        return JsonLines(stream, pid, quiet=style.quiet, debug=style.debug)
    style = replace(style, width=_width(stream) or style.width)
    if style.quiet or style.debug or not watched(stream, env):
        return Lines(stream, replace(style, colour=style.colour and colourful(stream, env)))
    from orchestrator.report.live import Live

    return Live(stream, replace(style, colour=colourful(stream, env), stamped=False), now)


def watched(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether a person looks at ``stream`` on a terminal that can redraw (and did not ask for plain output)."""
    return stream.isatty() and env.get("TERM", "") not in ("", "dumb", "unknown") and not env.get("NO_COLOR") and not env.get("CI")


def colourful(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether ``stream`` takes colours: NO_COLOR forbids them, FORCE_COLOR asks for them, else terminals do."""
    if env.get("NO_COLOR"):
        return False
    return bool(env.get("FORCE_COLOR")) or (stream.isatty() and env.get("TERM", "") not in ("", "dumb", "unknown"))


def _width(stream: TextIO) -> int | None:
    """The columns of a terminal, or ``None`` for anything else."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except (OSError, ValueError):
        return None
