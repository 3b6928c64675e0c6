"""The rows of a table: an immutable value, kept in the shape that GoogleSQL reads (so that querying and copying cost no conversion)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from orchestrator.testing.bigquery import values
from orchestrator.testing.bigquery.types import Field


class Rows:
    """Some rows. ``data`` is a serialised ``TableData``: one length-delimited message after another."""

    def __init__(self, data: bytes = b"", count: int = 0) -> None:
        self.data = data
        self.count = count
        self._sizes: dict[str, int] = {}

    @classmethod
    def of(cls, parsed: Any) -> Rows:
        """The rows of a ``TableData`` message."""
        return cls(parsed.SerializeToString(), len(parsed.row))

    @classmethod
    def build(cls, records: Iterable[Sequence[Any]], fields: Sequence[Field]) -> Rows:
        """Rows from Python values."""
        made = table_data()
        for record in records:
            cells = made.row.add().cell
            for value, field in zip(record, fields, strict=True):
                values.put(cells.add(), value, field)
        return cls.of(made)

    def parsed(self) -> Any:
        """The rows as a ``TableData`` message of the caller's own."""
        made = table_data()
        made.ParseFromString(self.data)
        return made

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.data + other.data, self.count + other.count)

    def python(self, fields: Sequence[Field]) -> list[tuple[Any, ...]]:
        """The rows as Python values."""
        return [tuple(values.get(cell, field) for cell, field in zip(row.cell, fields, strict=False)) for row in self._message.row]

    def rest(self, fields: Sequence[Field], start: int, count: int, *, micros: bool) -> list[dict[str, Any]]:
        """Some rows as REST answers them."""
        picked = self._message.row[start : start + count]
        return [
            {"f": [{"v": values.rest(cell, field, micros=micros)} for cell, field in zip(row.cell, fields, strict=False)]} for row in picked
        ]

    def keep(self, wanted: Callable[[Any], bool]) -> Rows:
        """The rows (messages) for which ``wanted`` holds."""
        made = table_data()
        made.row.extend(row for row in self._message.row if wanted(row))
        return Rows.of(made)

    def change(self, changed: Callable[[int, Any], None]) -> Rows:
        """The rows, each (with its number) given to ``changed`` to be written over."""
        made = self.parsed()
        for number, row in enumerate(made.row):
            changed(number, row)
        return Rows.of(made)

    def whole(self, fields: Sequence[Field]) -> Rows:
        """The rows with their arrays as BigQuery answers and stores them: none is null, and one with a null in it is refused."""
        places = [at for at, field in enumerate(fields) if values.has_arrays(field)]

        def made_whole(_: int, row: Any) -> None:
            for at in places:
                values.whole(row.cell[at], fields[at])

        return self.change(made_whole) if places else self

    def only(self, places: Sequence[int]) -> Rows:
        """The rows with the cells of some places."""
        made = table_data()
        for row in self._message.row:
            made.row.add().cell.extend([row.cell[at] for at in places])
        return Rows.of(made)

    def sizes(self, fields: Sequence[Field], columns: set[str] | None = None) -> dict[str, int]:
        """Billed bytes by column name in lower case: of all columns, or of some."""
        found = {}
        for at, field in enumerate(fields):
            name = field["name"].lower()
            if columns is not None and name not in columns:
                continue
            key = f"{at} {field}"
            if key not in self._sizes:
                self._sizes[key] = sum(values.size(row.cell[at], field) for row in self._message.row)
            found[name] = self._sizes[key]
        return found

    @cached_property
    def _message(self) -> Any:
        return self.parsed()


def table_data() -> Any:
    """An empty ``TableData``."""
    from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2

    return local_service_pb2.TableData()
