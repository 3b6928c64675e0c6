"""What was measured, for people: how long models take; whether all is well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.core.health import Finding
from orchestrator.core.pace import Pace
from orchestrator.report.problems import printable
from orchestrator.report.table import table
from orchestrator.report.traced import BOLD, DIM, YELLOW, painted

GREEN, RED = "\x1b[32m", "\x1b[31m"
SIGNS = {"ok": ("✓", GREEN), "note": ("!", YELLOW), "bad": ("✗", RED)}


def paces(found: Iterable[tuple[str, Pace]], *, width: int | None = None) -> str:
    """A row for each model; times in seconds."""
    rows = [(name, p.count, round(p.p50, 2), round(p.p95, 2), round(p.newest, 2), _flag(p)) for name, p in found]
    return table(("model", "builds", "p50", "p95", "newest", ""), rows, width=width)


def _flag(one: Pace) -> str:
    return f"slow: {one.ratio:.1f}x p50" if one.slow and one.ratio is not None else "slow" if one.slow else ""


def health(found: Sequence[Finding], *, width: int | None = None, colour: bool = False) -> str:
    """A line for each finding, what is wrong first, and the verdict above."""
    bad = sum(f.level == "bad" for f in found)
    notes = sum(f.level == "note" for f in found)
    verdict = "Everything is fine" if not bad else f"{bad} {'thing is' if bad == 1 else 'things are'} wrong"
    more = f", {notes} worth knowing" if notes else ""
    lines = [painted(((verdict, BOLD), (more, DIM)), width, colour=colour)]
    widest = max((len(f.what) for f in found), default=0)
    for one in found:
        sign, tint = SIGNS[one.level]
        text = ((f"{sign} ", tint), (f"{one.what.ljust(widest)}  ", BOLD), (printable(one.detail), ""))
        lines.append(painted(text, width, colour=colour))
        if one.hint and one.level != "ok":
            lines.append(painted(((f"  {' ' * widest}  {printable(one.hint)}", DIM),), width, colour=colour))
    return "\n".join(lines)
