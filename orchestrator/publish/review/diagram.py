"""What changed and its neighbours, as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from orchestrator.core.event import Status
from orchestrator.core.review import Review, Reviewed
from orchestrator.publish.review.text import clipped, label

Look = Literal["breaking", "rows", "columns", "quiet", "added", "removed", "affected", "near"]

LOOKS: dict[Look, str] = {
    "breaking": "fill:#ffd7d5,stroke:#cf222e,stroke-width:3px,color:#660018",
    "rows": "fill:#ffe7c2,stroke:#bc4c00,stroke-width:2px,color:#471700",
    "columns": "fill:#ddf4ff,stroke:#0969da,stroke-width:2px,color:#002155",
    "quiet": "fill:#eaeef2,stroke:#57606a,color:#24292f",
    "added": "fill:#dafbe1,stroke:#1a7f37,stroke-width:2px,color:#003d16",
    "removed": "fill:#ffebe9,stroke:#cf222e,stroke-dasharray:5 3,color:#660018",
    "affected": "fill:#fff8c5,stroke:#9a6700,color:#3b2300",
    "near": "fill:#ffffff,stroke:#8c959f,stroke-dasharray:2 2,color:#57606a",
}
"""Every box says its fill and its text's colour: it reads the same on a light and on a dark page. The words in it say the kind, too."""

COLUMNS = frozenset({"column added", "column removed", "column renamed", "expression changed", "type changed"})
QUIET = frozenset({"config", "moved", "cosmetic"})
WORST: tuple[Look, ...] = ("breaking", "removed", "rows", "added", "columns", "affected", "quiet", "near")


def diagram(review: Review, most: int) -> tuple[str, int]:
    """A flowchart of at most ``most`` boxes, and how many it leaves out. Empty when nothing would be connected or changed."""
    known = {n.id: n for n in review.nodes}
    changed = {n.id for n in review.nodes if n.what != "affected"}
    edges = dict.fromkeys([*((p, n.id) for n in review.nodes for p in n.parents), *review.edges])
    near = {one for edge in edges if not changed.isdisjoint(edge) for one in edge}
    looks = {id_: _look(known.get(id_)) for id_ in dict.fromkeys([*known, *sorted(near)])}
    wanted = [id_ for id_, look in looks.items() if id_ in changed or id_ in near or look == "breaking"]
    drawn = sorted(wanted, key=lambda id_: WORST.index(looks[id_]))[:most]
    if not changed or not drawn:
        return "", 0
    numbers = {id_: at for at, id_ in enumerate(id_ for id_ in looks if id_ in set(drawn))}
    lines = ["flowchart LR", *_boxes(numbers, known, looks)]
    lines += [f"  n{numbers[a]} --> n{numbers[b]}" for a, b in edges if a in numbers and b in numbers]
    used = {looks[id_] for id_ in numbers}
    lines += [f"  classDef {name} {style}" for name, style in LOOKS.items() if name in used]
    return "\n".join(lines), len(wanted) - len(drawn)


def _boxes(numbers: Iterable[str], known: dict[str, Reviewed], looks: dict[str, Look]) -> Iterator[str]:
    for at, id_ in enumerate(numbers):
        node = known.get(id_)
        words = f"<br/><small>{_entities(_words(node))}</small>" if node is not None else ""
        yield f'  n{at}["{_entities(clipped(node.name if node else label(id_), 50))}{words}"]:::{looks[id_]}'


def _look(node: Reviewed | None) -> Look:
    if node is None:
        return "near"
    categories = {c.category for c in node.changes}
    if node.breaking or node.status in (Status.FAILED, Status.CRASHED):
        return "breaking"
    if node.what in ("added", "removed"):
        return "added" if node.what == "added" else "removed"
    if categories - COLUMNS - QUIET:
        return "rows"
    if categories & COLUMNS:
        return "columns"
    return "affected" if node.what == "affected" else "quiet"


def _words(node: Reviewed) -> str:
    """What a box says below the name."""
    if node.status in (Status.FAILED, Status.CRASHED):
        return "failed"
    if node.breaking:
        return "breaking"
    if node.what in ("added", "removed"):
        return node.what
    kinds = list(dict.fromkeys(c.category for c in node.changes))
    return clipped(", ".join(kinds[:2]) + (" …" if len(kinds) > 2 else ""), 60) or node.what


def _entities(text: str) -> str:
    """A text inside quotes in Mermaid: whatever could end or format it is a numbered entity."""
    return "".join(c if c.isalnum() or c in " _.,-()" else f"#{ord(c)};" for c in text)
