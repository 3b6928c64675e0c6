"""How data differs, as people read it: schema, rows, columns worst first, samples side by side, spreads that moved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.core.difference import ColumnDifference, Difference, Row, Undone
from orchestrator.report.problems import columns as width_of
from orchestrator.report.table import as_json as rows_as_json
from orchestrator.report.table import table, text
from orchestrator.report.traced import BOLD, CYAN, DIM, YELLOW, Pieces, painted

GREEN, RED = "\x1b[32m", "\x1b[31m"

CELL = 32
"""Columns that a sampled value may take."""

ROUGHLY = 0.03
"""How far counts of different values may be apart before they count as moved: they are estimates."""


def differences(name: str, found: Difference | Undone, *, width: int | None = None, colour: bool = False) -> str:
    """What is different about one model, as text. Lines are cut to ``width`` columns.

    >>> print(differences("orders", Difference("shop.prod.orders", "shop.dev.orders", "identical", 3, 3, same=3)))
    orders  shop.prod.orders → shop.dev.orders
      identical: 3 rows
    """
    if isinstance(found, Undone):
        lines: list[Pieces] = [((name, BOLD), ("  not compared", YELLOW)), ((f"  {found.why}", ""),)]
        lines += [((f"    {detail}", DIM),) for detail in found.details]
    else:
        lines = list(_lines(name, found, width))
    return "\n".join(painted(line, width, colour=colour) for line in lines)


def markdown(name: str, found: Difference | Undone) -> str:
    """The same as Markdown: what differs, then the columns that do.

    >>> print(markdown("orders", Difference("a", "b", "identical", 3, 3, same=3)))
    **orders**: identical, 3 rows (`a` → `b`)
    """
    if isinstance(found, Undone):
        return f"**{name}**: not compared: {found.why}"
    if not found.differs:
        how = "identical" if found.how == "identical" else "the same"
        return f"**{name}**: {how}, {_rows(found.rows_after)} (`{found.before}` → `{found.after}`)"
    parts = [f"**{name}**: {headline(found)} (`{found.before}` → `{found.after}`)"]
    if schema := [f"`{mark} {column}` {type_}" for mark, column, type_ in _schema(found)]:
        parts.append("\n".join(f"- {line}" for line in schema))
    if worst := differing(found):
        rows = [(c.name, c.compared - c.equal, percent(c.match), *_example(c)) for c in worst]
        parts.append(table(["column", "different", "match", "before", "after"], rows, cell=CELL))
    if found.note:
        parts.append(f"_{found.note}_")
    return "\n\n".join(parts)


def as_json(found: Iterable[tuple[str, Difference | Undone]]) -> str:
    """Everything, for programs: a list with one object for each model."""
    rows = []
    for id_, one in found:
        how = {"how": one.how, "differs": one.differs} if isinstance(one, Difference) else {"how": "undone"}
        rows.append({"node": id_, **how, **asdict(one)})
    # what engines call a value (decimals, days, bytes) becomes JSON where rows do
    names = [("difference", row) for row in rows]
    return json.dumps([json.loads(rows_as_json([name], [(row,)]))[0][name] for name, row in names], indent=2, ensure_ascii=False)


def headline(found: Difference) -> str:
    """The difference in one line of words.

    >>> headline(Difference("a", "b", "exact", 10, 11, ("id",), added=2, removed=1, changed=3, same=6))
    '10 → 11 rows (+1, +10%): 2 added, 1 removed, 3 changed'
    """
    counts = [f"{n:,} {what}" for what, n in _counts(found) if n]
    return f"{_growth(found)}: {', '.join(counts) or 'no row is different'}"


def differing(found: Difference) -> list[ColumnDifference]:
    """The columns whose values are not all the same, the worst first."""
    return sorted((c for c in found.columns if c.equal < c.compared), key=lambda c: c.match)


def percent(share: float) -> str:
    """A share, never rounded to all or nothing when it is not.

    >>> percent(1.0), percent(0.9999999), percent(0.5), percent(0.0000001), percent(0.0)
    ('100%', '99.9999%', '50%', '0.0001%', '0%')
    """
    if 0 < share < 1:
        share = min(max(share, 0.000001), 0.999999)
    digits = 4 if share > 0.9999 or share < 0.0001 else 2
    return f"{share * 100:.{digits}f}".rstrip("0").rstrip(".") + "%"


def _lines(name: str, found: Difference, width: int | None) -> Iterator[Pieces]:
    yield ((name, BOLD), (f"  {found.before} → {found.after}", DIM))
    if found.how == "identical":
        more = f", {found.nulls_after:,} without a key" if found.nulls_after else ""
        yield (("  identical: ", GREEN), (f"{_rows(found.rows_after)}{more}", ""))
    else:
        yield ((f"  {_way(found)}", DIM),)
        yield from _row_lines(found)
    yield from _schema_lines(found)
    yield from _column_lines(found)
    yield from _sample_lines(found, width)
    yield from _spread_lines(found)
    if found.note:
        yield ((f"  note: {found.note}", YELLOW),)


def _way(found: Difference) -> str:
    """How the two were compared."""
    by = f"by {', '.join(found.key)} ({found.key_from})" if found.key else "as a bag of rows"
    share = f", {found.share * 100:g}% of the keys" if found.how == "sampled" else ""
    return f"compared {by}{share} in {found.seconds:.1f} s"


def _row_lines(found: Difference) -> Iterator[Pieces]:
    yield (("  rows     ", ""), (_growth(found), BOLD if found.rows_before != found.rows_after else ""))
    tints = {"added": GREEN, "removed": RED, "changed": YELLOW}
    said = [(f"{n:,} {what}", tints.get(what, DIM) if n else DIM) for what, n in (*_counts(found), ("same", found.same))]
    yield (("           ", ""), *(piece for n, one in enumerate(said) for piece in ([("   ", "")] if n else []) + [one]))
    if found.unmatched_before or found.unmatched_after:
        twice = f"keys that are there more than once: {found.duplicates_before:,} → {found.duplicates_after:,}"
        nulls = f"rows without a whole key: {found.nulls_before:,} → {found.nulls_after:,}"
        yield ((f"           {found.unmatched_before:,} → {found.unmatched_after:,} rows not matched ({twice}; {nulls})", YELLOW),)
    if found.unmatched_differ:
        where = "outside of the sample" if found.how == "sampled" else "among the rows that are not matched"
        yield ((f"           what differs is {where}", YELLOW),)


def _schema(found: Difference) -> Iterator[tuple[str, str, str]]:
    yield from (("+", column, type_) for column, type_ in found.columns_added)
    yield from (("-", column, type_) for column, type_ in found.columns_removed)
    for c in found.columns:
        if c.retyped:
            how = "texts" if c.compared_as == "text" else c.compared_as
            yield "~", c.name, f"{c.before_type} → {c.after_type}, compared as {how}"


def _schema_lines(found: Difference) -> Iterator[Pieces]:
    tints = {"+": GREEN, "-": RED, "~": YELLOW}
    rows = list(_schema(found))
    if rows:
        yield (("  schema", BOLD),)
        room = max(width_of(column) for _, column, _ in rows)
        yield from (((f"    {mark} {_padded(column, room)}", tints[mark]), (f"  {type_}", "")) for mark, column, type_ in rows)


def _column_lines(found: Difference) -> Iterator[Pieces]:
    worst = differing(found)
    if found.how == "identical" or not found.columns or not any(c.compared for c in found.columns):
        return
    yield (("  columns", BOLD),)
    room = max((width_of(c.name) for c in worst), default=0)
    most = max((len(f"{c.compared - c.equal:,}") for c in worst), default=0)
    for c in worst:
        yield (
            (f"    {_padded(c.name, room)}  ", ""),
            (f"{c.compared - c.equal:>{most},} different", YELLOW),
            (f"  {percent(c.match)} match", DIM),
        )
        key = ", ".join(found.key)
        for row, before, after in c.samples:
            yield ((f"      {key} {_cells(row)}  ", DIM), (_cell(before), RED), (" → ", DIM), (_cell(after), GREEN))
    same = len([c for c in found.columns if c not in worst and c.name not in found.key])
    if same:
        yield ((f"    {same} {'column is' if same == 1 else 'columns are'} the same in every matched row", DIM),)


def _sample_lines(found: Difference, width: int | None) -> Iterator[Pieces]:
    for what, rows, tint in (("added", found.samples_added, GREEN), ("removed", found.samples_removed, RED)):
        if rows:
            yield ((f"  {what}", BOLD),)
            shown = table(found.shown, rows, width=None if width is None else width - 4, cell=CELL)
            yield from (((f"    {line}", tint if n > 1 else DIM),) for n, line in enumerate(shown.splitlines()))


def _spread_lines(found: Difference) -> Iterator[Pieces]:
    rows = [(c.name, what, before, after) for c in found.columns for what, before, after in moved(c)]
    if rows and found.how != "identical":
        yield (("  spreads that moved", BOLD),)
        room = max(width_of(name) for name, *_ in rows)
        for name, what, before, after in rows:
            yield ((f"    {_padded(name, room)}  {what:<8}  ", ""), (before, RED), (" → ", DIM), (after, CYAN))


def moved(column: ColumnDifference) -> list[tuple[str, str, str]]:
    """What is different about the spread of a column: ``(what, before, after)``. Estimates must differ by more than they may err."""
    before, after = column.before, column.after
    if before is None or after is None:
        return []
    found: list[tuple[str, str, str]] = []
    if before.nulls != after.nulls:
        found.append(("nulls", f"{before.nulls:,}", f"{after.nulls:,}"))
    if before.distinct is not None and after.distinct is not None:
        larger = max(before.distinct, after.distinct)
        if abs(before.distinct - after.distinct) > (larger * ROUGHLY if larger > 100 else 0):
            found.append(("distinct", f"{before.distinct:,}", f"{after.distinct:,}"))
    if not column.compared_as:
        for what, one, other in (("least", before.least, after.least), ("greatest", before.greatest, after.greatest)):
            if one != other and not (one is None or other is None):
                found.append((what, _cell(one), _cell(other)))
    if before.mean is not None and after.mean is not None and f"{before.mean:.6g}" != f"{after.mean:.6g}":
        found.append(("mean", f"{before.mean:.6g}", f"{after.mean:.6g}"))
    return found


def _counts(found: Difference) -> tuple[tuple[str, int], ...]:
    return ("added", found.added), ("removed", found.removed), *([] if found.how == "counted" else [("changed", found.changed)])


def _growth(found: Difference) -> str:
    before, after = found.rows_before, found.rows_after
    if before == after:
        return _rows(after)
    more = after - before
    share = f", {more / before * 100:+.3g}%" if before else ""
    return f"{before:,} → {after:,} rows ({more:+,}{share})"


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _example(column: ColumnDifference) -> tuple[Any, Any]:
    return column.samples[0][1:] if column.samples else ("", "")


def _cells(row: Row) -> str:
    return ", ".join(_cell(value) for value in row)


def _cell(value: Any) -> str:
    shown = text(value)
    return shown if width_of(shown) <= CELL else shown[: CELL - 1] + "…"


def _padded(name: str, room: int) -> str:
    return name + " " * (room - width_of(name))


__all__: Sequence[str] = ("as_json", "differences", "differing", "headline", "markdown", "moved", "percent")
