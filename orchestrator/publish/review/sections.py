"""The parts of a review's comment, each as Markdown, or empty when there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.difference import Difference, Undone
from orchestrator.core.event import Status
from orchestrator.core.review import Changed, Checked, Review, Reviewed
from orchestrator.publish.review.compared import compared
from orchestrator.publish.review.diagram import diagram
from orchestrator.publish.review.text import change, clipped, code, counted, label, place, plain, prose

BROKEN = (Status.FAILED, Status.CRASHED)
ORDER = ("modified", "added", "removed", "affected")
SIGNS = {"column added": "+", "column removed": "−", "expression changed": "~", "type changed": "~"}
MOST_COLUMNS = 8
"""Columns that a cell of the table names."""


def table(review: Review, most: int) -> str:
    """The models that changed, and those that only notice it where there is something to notice."""
    told = sorted((n for n in review.nodes if noteworthy(n)), key=lambda n: (not n.breaking, n.status not in BROKEN, ORDER.index(n.what)))
    if not told or not most:
        return f"{counted(len(told), 'model')} changed." if told else ""
    lines = ["| Model | Change | Kind | Rows (base → PR) | Columns | Backfill |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell or "–" for cell in _cells(node)) + " |" for node in told[:most]]
    return "\n".join(lines) + (f"\n\n… and {counted(len(told) - most, 'more model', 'more models')}." if len(told) > most else "")


def noteworthy(node: Reviewed) -> bool:
    """Whether a model belongs into the table."""
    rows = None not in node.rows and node.rows[0] != node.rows[1]
    differs = isinstance(node.difference, Difference) and node.difference.differs
    return node.what != "affected" or bool(node.breaking) or node.status in BROKEN or rows or differs


def _cells(node: Reviewed) -> Iterator[str]:
    yield code(node.name)
    yield node.what
    kinds = dict.fromkeys(c.category for c in node.changes if c.category != node.what)
    yield ", ".join([*(["**breaking**"] if node.breaking else []), *(plain(clipped(kind, 40)) for kind in [*kinds][:MOST_COLUMNS])])
    rows = change(*node.rows)
    yield "❌ build failed" if node.status in BROKEN else rows or _unbuilt(node)
    named = [said for c in node.changes if (said := _column(c))]
    yield ", ".join(named[:MOST_COLUMNS]) + (f" and {len(named) - MOST_COLUMNS} more" if len(named) > MOST_COLUMNS else "")
    yield prose(node.backfill, 100)


def _unbuilt(node: Reviewed) -> str:
    if node.status == Status.SKIPPED:
        return "skipped"
    if node.rebuilt and isinstance(node.difference, Undone):
        return prose(node.difference.why, 80)
    return prose(node.reason, 80) if not node.rebuilt and node.what != "removed" else ""


def _column(changed: Changed) -> str:
    """A column in a cell: what is renamed with both names, what is retyped with both types."""
    if changed.category == "column renamed":
        return f"{code(changed.before, 60)} → {code(changed.after or changed.column, 60)}"
    sign = SIGNS.get(changed.category)
    if sign is None or not changed.column:
        return ""
    types = f" {code(changed.before, 40)} → {code(changed.after, 40)}" if changed.category == "type changed" else ""
    return f"{sign}{code(changed.column, 60)}{types}"


def folded(summary: str, inner: str) -> str:
    """A part that is shut until somebody opens it. ``summary`` is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{inner}\n\n</details>" if inner else ""


def changes(review: Review, most: int) -> str:
    """What changed, in words: expressions, types, settings, before and after; and whom it breaks."""
    nodes = [n for n in review.nodes if any(c.before or c.after for c in n.changes if c.category not in ("added", "removed")) or n.breaking]
    lines = [line for node in nodes[:most] for line in _in_words(node, review.folder)]
    more = [f"- … and {counted(len(nodes) - most, 'more model', 'more models')}"] if lines and len(nodes) > most else []
    return folded(f"What changed in {counted(len(nodes), 'model')}", "\n".join([*lines, *more]))


def _in_words(node: Reviewed, folder: str) -> Iterator[str]:
    yield f"- {code(node.name)} {place_of(node, folder)}"
    for said in node.changes[:20]:
        column = f" {code(said.column)}" if said.column else ""
        sides = [code(side, 200) for side in (said.before, said.after)]
        if said.before == said.after and said.before:
            turned = f"{sides[0]}, of something else further inside"
        else:
            turned = " → ".join(side for side, text in zip(sides, (said.before, said.after), strict=True) if text)
        yield f"  - {plain(clipped(said.category, 40))}{column}{f': {turned}' if turned else ''}"
    if len(node.changes) > 20:
        yield f"  - … and {len(node.changes) - 20} more"
    for broken in node.breaking[:20]:
        where = place(broken.place.span, folder) if broken.place else ""
        reader = f", read by {code(broken.reader)}" if broken.reader else ""
        owner = f", owned by {code(broken.owner)}" if broken.owner else ""
        yield f"  - **breaking**: {prose(broken.what, 300)}{reader}{f' ({where})' if where else ''}{owner}"
    if len(node.breaking) > 20:
        yield f"  - … and {len(node.breaking) - 20} more readers"


def place_of(node: Reviewed, folder: str) -> str:
    """The file of a node, in brackets."""
    from orchestrator.core.files import Span

    where = place(Span(node.path, node.line), folder) if node.path else ""
    return f"({where})" if where else ""


def lineage(review: Review, most: int) -> str:
    """The changed nodes and one hop around them."""
    drawn, left = diagram(review, most) if most else ("", 0)
    if not drawn:
        return ""
    more = f"\n\n{counted(left, 'more node is', 'more nodes are')} not drawn." if left else ""
    return folded("Lineage: what changed, and one hop around it", f"```mermaid\n{drawn}\n```{more}")


def values(review: Review, most: int, samples: int) -> str:
    """How the data of each model that was built compares with production's."""
    found = [(n, n.difference) for n in review.nodes if n.difference is not None]
    differing = [(n, d) for n, d in found if isinstance(d, Difference) and d.differs]
    same = [n for n, d in found if isinstance(d, Difference) and not d.differs]
    undone = [(n, d) for n, d in found if isinstance(d, Undone)]
    parts = ["\n\n".join(compared(n.name, d, samples)) for n, d in differing[:most]]
    parts += (
        [f"… and {counted(len(differing) - most, 'more model that differs', 'more models that differ')}."] if len(differing) > most else []
    )
    if most:
        parts += [f"Same data as in production: {_names([n.name for n in same], most)}"] if same else []
        parts += ["\n".join(f"- {code(n.name)} was not compared: {prose(d.why, 300)}" for n, d in undone[:most])] if undone else []
    counts = ((len(differing), "different"), (len(same), "the same"), (len(undone), "not compared"))
    said = [f"{number:,} {word}" for number, word in counts if number]
    return folded(f"Data compared with production: {', '.join(said)}", "\n\n".join(parts)) if most else ""


def downstream(review: Review, most: int) -> str:
    """Descendants: built again or not, and those that read nothing of the change."""
    affected = [n for n in review.nodes if n.what == "affected"]
    built = [n for n in affected if n.rebuilt]
    left = [n for n in affected if not n.rebuilt]
    lines = [f"- built again: {_names([n.name for n in built], most)}"] if built else []
    for reason in dict.fromkeys(n.reason for n in left):
        names = _names([n.name for n in left if n.reason == reason], most)
        lines.append(f"- not built{f', {prose(reason, 120)}' if reason else ''}: {names}")
    lines += [f"- read nothing of the change, neither built nor compared: {_names(review.unaffected, most)}"] if review.unaffected else []
    total = len(affected) + len(review.unaffected)
    said = "built again" if len(built) == total else f"{len(built):,} of them built again" if built else "not built again"
    return folded(f"{counted(total, 'other model')}, {said}", "\n".join(lines[:20])) if most else ""


def checks(review: Review, most: int, words: int) -> str:
    """Tests that did not pass, and what lint found."""
    bad = [t for t in review.tests if t.status in BROKEN]
    warned = [t for t in review.tests if t.status in (Status.WARNED, Status.PARTIAL)]
    passed = sum(t.status in (Status.PASSED, Status.REUSED) for t in review.tests)
    rest = len(review.tests) - len(bad) - len(warned) - passed
    said = [f"{passed:,} ✅"] if passed else []
    said += [f"{len(bad):,} ❌"] if bad else []
    said += [f"{len(warned):,} ⚠️"] if warned else []
    said += [f"{rest:,} skipped"] if rest else []
    lines = [_test(t, review.folder, words) for t in (*bad, *warned)[:most]]
    lines += [f"- … and {len(bad) + len(warned) - most:,} more tests"] if lines and len(bad) + len(warned) > most else []
    found = sorted(review.findings, key=lambda p: p.severity != "error")
    lines += [
        f"- {'❌' if p.severity == 'error' else '⚠️'} lint {code(p.code)}: {prose(p.message, words)} {_at(p, review)}" for p in found[:most]
    ]
    lines += [f"- … and {len(found) - most:,} more findings"] if found and most and len(found) > most else []
    titles = [f"Tests: {' '.join(said)}"] if said else []
    titles += [f"lint: {counted(len(found), 'finding')}"] if found else []
    inner = "\n".join(lines)
    return folded(" · ".join(titles), inner) or " · ".join(titles)


def _at(problem: object, review: Review) -> str:
    where = place(getattr(problem, "span", None), review.folder)
    return f"({where})" if where else ""


def _test(test: Checked, folder: str, words: int) -> str:
    from orchestrator.core.files import Span

    sign = "❌" if test.status in BROKEN else "⚠️"
    rows = f": {counted(test.failures, 'row')}" if test.failures else ""
    span = test.problem.span if test.problem is not None and test.problem.span else Span(test.path, test.line) if test.path else None
    where = place(span, folder)
    told = test.problem.message if test.problem is not None else ""
    # A message that begins with the test's name says the same once more.
    message = f": {prose(told, words)}" if told and not told.removeprefix("test ").startswith(f"`{test.name}`") else ""
    return f"- {sign} {code(test.name)} of {code(test.node)}{rows}{message}{f' ({where})' if where else ''}"


def exposures(review: Review, most: int) -> str:
    """Who should know."""
    if not review.exposures or not most:
        return ""
    lines = [f"- {code(name)}{f', owned by {code(owner)}' if owner else ''}" for name, owner in review.exposures[:most]]
    lines += [f"- … and {len(review.exposures) - most:,} more"] if len(review.exposures) > most else []
    return folded(f"Exposures that are reached: {len(review.exposures):,}", "\n".join(lines))


def _names(names: Iterable[str], most: int) -> str:
    all_: Sequence[str] = list(names)
    more = f" and {len(all_) - most:,} more" if len(all_) > most else ""
    return ", ".join(code(label(name), 80) for name in all_[:most]) + more
