"""How the data of one model differs, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.difference import ColumnDifference, Difference, Spread
from orchestrator.publish.review.text import code, counted, number, plain, prose, share, value

MOST_COLUMNS = 30
"""Columns of one model that are shown, the least equal first."""

MOST_CELLS = 8
"""Values of a sample row that are shown."""


def compared(name: str, found: Difference, samples: int) -> Iterator[str]:
    """Paragraphs: what is different, a table of the columns that are, and samples where there are any and they are wanted."""
    yield f"**{code(name)}** {_how(found)}"
    if found.columns_added or found.columns_removed:
        signed = [("+", c) for c in found.columns_added] + [("−", c) for c in found.columns_removed]
        said = ", ".join(f"{sign}{code(column, 60)} {code(kind, 40)}" for sign, (column, kind) in signed[:MOST_COLUMNS])
        yield f"Columns: {said}{f' and {len(signed) - MOST_COLUMNS} more' if len(signed) > MOST_COLUMNS else ''}"
    different = sorted((c for c in found.columns if _differs(c)), key=lambda c: c.equal / c.compared if c.compared else 1)
    if different:
        rows = [f"| {code(c.name, 60)} | {share(c.equal, c.compared)} | {_what(c)} |" for c in different[:MOST_COLUMNS]]
        left = len(found.columns) - len(different)
        more = [f"{len(different) - MOST_COLUMNS} more differ"] if len(different) > MOST_COLUMNS else []
        more += [f"{counted(left, 'column is', 'columns are')} equal in every row"] if left else []
        note = f"\n\n{', '.join(more)}." if more else ""
        yield "\n".join(["| Column | Equal | What is different |", "|---|---|---|", *rows]) + note
    if samples:
        yield from _samples(found, different, samples)


def _how(found: Difference) -> str:
    by = ", ".join(code(k, 60) for k in found.key)
    how = f"by {by}" + (f" ({prose(found.key_from, 80)})" if found.key_from else "") if found.key else "as a bag of rows"
    part = f", a sample of {found.share * 100:.3g}% of the keys" if found.how == "sampled" else ""
    numbers = [(found.changed, "changed"), (found.added, "added"), (found.removed, "removed"), (found.same, "the same")]
    told = ", ".join(f"{count:,} {word}" for count, word in numbers if count)
    twice = [(found.duplicates_before, "in production"), (found.duplicates_after, "here")]
    doubled = "".join(f"; {counted(count, 'row')} with a duplicate key {where}" for count, where in twice if count)
    return f"{how}{part}: {told or 'no rows'}{doubled}{f'; {prose(found.note, 200)}' if found.note else ''}"


def _differs(column: ColumnDifference) -> bool:
    return column.equal != column.compared or column.before_type != column.after_type or bool(_moved(column.before, column.after))


def _what(column: ColumnDifference) -> str:
    said = [f"{code(column.before_type, 40)} → {code(column.after_type, 40)}"] if column.before_type != column.after_type else []
    said += [f"{column.compared - column.equal:,} of {column.compared:,} rows"] if column.equal != column.compared else []
    return "; ".join([*said, *_moved(column.before, column.after)])


def _moved(before: Spread | None, after: Spread | None) -> list[str]:
    """What is different about the distribution of a column's values."""
    if before is None or after is None:
        return []
    pairs = (
        ("nulls", before.nulls, after.nulls),
        ("distinct", before.distinct, after.distinct),
        ("least", before.least, after.least),
        ("greatest", before.greatest, after.greatest),
        ("mean", before.mean, after.mean),
    )
    return [f"{word} {_side(one)} → {_side(other)}" for word, one, other in pairs if one != other and _side(one) != _side(other)]


def _side(thing: object) -> str:
    if isinstance(thing, (int, float)) and not isinstance(thing, bool):
        return f"{thing:,}" if isinstance(thing, int) else plain(number(thing))
    return value(thing, 40)


def _samples(found: Difference, columns: list[ColumnDifference], most: int) -> Iterator[str]:
    """Some rows: values that changed, keys that came and went."""
    rows = [
        f"| {_row(key)} | {code(c.name, 60)} | {value(before)} | {value(after)} |"
        for c in columns[:MOST_COLUMNS]
        for key, before, after in c.samples[:most]
    ]
    if rows:
        yield "\n".join(["| Key | Column | Production | Here |", "|---|---|---|---|", *rows])
    for word, some in (("Added", found.samples_added), ("Removed", found.samples_removed)):
        if some:
            yield f"{word}, for example: " + " · ".join(_row(row) for row in some[:most])


def _row(row: tuple[object, ...]) -> str:
    return ", ".join(value(cell) for cell in row[:MOST_CELLS]) + (" …" if len(row) > MOST_CELLS else "")
