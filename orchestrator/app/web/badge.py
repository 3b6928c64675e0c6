"""A picture for other pages that says whether what an exposure shows is fresh."""

from __future__ import annotations

from datetime import datetime
from html import escape

from orchestrator.app.web.freshness import late
from orchestrator.app.web.models import BUILT, worst
from orchestrator.app.web.seen import glance, known
from orchestrator.core.duration import spoken
from orchestrator.record.glance import Past
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk

COLOURS = {"fresh": "#1d7044", "stale": "#8a5300", "failing": "#b3261e", "unknown": "#5f6468"}
WIDTH = 6.6
"""Of a letter, on average; the text is told to fill its place."""


def badge(desk: Desk, asked: Asked) -> Reply:
    """``fresh`` with the age of the oldest thing it is made of, ``stale``, ``failing``, or ``unknown``."""
    project, word = known(desk), asked.places["name"]
    id_ = project.find(word, ("exposure",))
    if id_ is None or not id_.startswith("exposure."):
        return wrong(404, f"there is no exposure `{word}`")
    newest = glance(desk).newest(project.target)
    made_of = {a for a in project.ancestors(id_) if a.partition(".")[0] in BUILT}
    tests = {a: [newest[t] for t in project.tests_of.get(a, ()) if t in newest] for a in made_of}
    said, more = freshness({a: newest.get(a) for a in made_of}, tests, desk.now())
    if said == "fresh" and late(desk.prospects(), (id_, *made_of)):
        said = "stale"
    title = project.by_id[id_]["name"]
    return Reply(
        200, drawn(title, f"{said}{f' · {more}' if more else ''}", COLOURS[said]).encode(), {"Cache-Control": "no-cache"}, "image/svg+xml"
    )


def freshness(made_of: dict[str, Past | None], tests: dict[str, list[Past]], now: datetime) -> tuple[str, str]:
    """How data is that is made of these nodes, and how old the oldest of them; what was skipped counts, too."""
    if not made_of:
        return "unknown", ""
    words = {a: worst([p.result.outcome] if p else [], [t.result for t in tests.get(a, ())]) for a, p in made_of.items()}
    if "error" in words.values():
        return "failing", ""
    built = [p.result.at for p in made_of.values() if p is not None]
    if len(built) < len(made_of):
        return "unknown", "never built"
    age = spoken(max(60.0, (now - min(built)).total_seconds() // 60 * 60))
    return ("stale" if "skipped" in words.values() else "fresh"), age


def drawn(left: str, right: str, colour: str) -> str:
    """The picture: two words side by side. Names are text, whatever is in them."""
    one, two = round(len(left) * WIDTH) + 16, round(len(right) * WIDTH) + 16
    label = escape(f"{left}: {right}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{one + two}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<clipPath id="r"><rect width="{one + two}" height="20" rx="4"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{one}" height="20" fill="#3b4046"/><rect x="{one}" width="{two}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{one / 2}" y="14" textLength="{one - 14}">{escape(left)}</text>'
        f'<text x="{one + two / 2}" y="14" textLength="{two - 14}">{escape(right)}</text></g></svg>\n'
    )
