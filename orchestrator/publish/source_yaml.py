"""Tables of a warehouse as an author would declare them: ``sources:`` in a properties file, new or added to one that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.core.errors import OrcError
from orchestrator.core.snapshot import Described

Line = Callable[[tuple[str | int, ...]], int]
"""The line (from 1) on which a value of a file is written, by its path: ``("sources", 0, "name")``."""

_PLAIN = re.compile(r"[A-Za-z_](?:[\w()<>\[\],./-]| (?=\w))*")
_WORDS = frozenset("y n yes no true false on off null".split())  # noqa: SIM905 - YAML 1.1 reads these as something else
_ITEM = re.compile(r"( *)-( +)\S")


@dataclass(frozen=True, slots=True)
class Imported:
    """A source to declare: its name, where it is (``database`` only where it is not the target's), and tables as the catalog has them.

    ``names`` are what tables are called in the project where that is not what they are called in the warehouse; ``quoted`` says
    which names of columns the engine only understands in quotes.
    """

    name: str
    schema: str
    tables: tuple[Described, ...]
    database: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    quoted: Callable[[str], bool] = lambda _: False


def source_yaml(found: Sequence[Imported]) -> str:
    r"""A properties file with these sources.

    >>> from orchestrator.core.names import Relation
    >>> orders = Described(Relation("db", "landing", "orders"), "table", (("id", "bigint", "the key: yes"), ("at", "timestamp", None)))
    >>> print(source_yaml([Imported("raw", "landing", (orders,))]), end="")
    version: 2
    <BLANKLINE>
    sources:
      - name: raw
        schema: landing
        tables:
          - name: orders
            columns:
              - name: id
                data_type: bigint
                description: "the key: yes"
              - name: at
                data_type: timestamp
    """
    lines = [line for source in found for line in _source(source, 2)]
    return "\n".join(["version: 2", "", "sources:", *lines, ""])


def extended(text: str, data: Any, line: Line, found: Sequence[Imported], read: Callable[[str], Any]) -> str | None:
    """A properties file with the sources, tables and columns added that it lacks; every line that is there stays as it is.

    ``None`` where that cannot be: the list to be added to is written in one line (``[…]``), or is not there. ``data`` is what the
    text says and ``line`` where; ``read`` reads the outcome, which must say exactly what it should: what looks like a list to
    somebody who reads lines need not be one.
    """
    carriage = "\r" if "\r\n" in text else ""
    lines = text.removesuffix("\n").split("\n") if text else []
    wanted: Any = json.loads(json.dumps(data, default=str)) if isinstance(data, Mapping) else {}
    added: list[tuple[int, list[str]]] = []
    try:
        if wanted.get("sources"):
            for source in found:
                added += _added(lines, wanted, line, source)
        elif "sources" in wanted:
            return None
        else:
            added.append((len(lines), ["sources:", *(row for source in found for row in _source(source, 2))]))
            wanted["sources"] = [_plain(source) for source in found]
        # From the end, so that places stay; of two pieces for one place the one that is indented further belongs to what is there.
        pieces = [(at, len(rows[0]) - len(rows[0].lstrip()), number, rows) for number, (at, rows) in enumerate(added)]
        for at, _, _, rows in sorted(pieces, key=lambda piece: (-piece[0], piece[1], -piece[2])):
            lines[at:at] = [row + carriage for row in rows]
        made = "\n".join([*lines, ""])
        return made if json.dumps(read(made), default=str) == json.dumps(wanted, default=str) else None
    except (_Unfit, OrcError):
        return None


class _Unfit(Exception):  # noqa: N818 - not an error: the author's file is only not written line by line
    """A list that cannot be added to."""


def _added(lines: Sequence[str], wanted: Any, line: Line, source: Imported) -> Iterator[tuple[int, list[str]]]:
    """Where to put which lines for one source; ``wanted`` grows along."""
    here = next((i for i, s in enumerate(wanted["sources"]) if s.get("name") == source.name), None)
    if here is None:
        end, indent = _end(lines, line, ("sources",), len(wanted["sources"]))
        wanted["sources"].append(_plain(source))
        yield end, list(_source(source, indent))
        return
    there = wanted["sources"][here]
    schema, tables = str(there.get("schema") or source.name), there.get("tables")
    elsewhere = "{{" not in schema and schema.casefold() != source.schema.casefold()
    if elsewhere or not isinstance(tables, list) or not tables:
        raise _Unfit
    known = {str(t.get("identifier") or t.get("name")).casefold(): i for i, t in enumerate(tables) if isinstance(t, Mapping)}
    before = len(tables)
    at = ("sources", here, "tables")
    for table in source.tables:
        index = known.get(table.relation.name.casefold())
        if index is None:
            end, indent = _end(lines, line, at, before)
            tables.append(_plain_table(source, table))
            yield end, list(_table(source, table, indent))
        else:
            yield from _columns_added(lines, tables[index], line, (*at, index), source, table)


def _columns_added(
    lines: Sequence[str], entry: Any, line: Line, at: tuple[str | int, ...], source: Imported, table: Described
) -> Iterator[tuple[int, list[str]]]:
    there = entry.get("columns")
    names = {str(c.get("name")).casefold() for c in there or ()}
    further = replace(table, columns=tuple(c for c in table.columns if c[0].casefold() not in names))
    if not further.columns:
        return
    if there:
        end, indent = _end(lines, line, (*at, "columns"), len(there))
        rows = [row for column in further.columns for row in _column(source, column, indent)]
    elif "columns" in entry:
        raise _Unfit
    else:
        first = line(at) - 1
        found = _ITEM.match(lines[first])
        if found is None:
            raise _Unfit
        end, indent = _after(lines, first, len(found[1])), len(found[1]) + 1 + len(found[2])
        rows = [f"{' ' * indent}columns:", *(row for column in further.columns for row in _column(source, column, indent + 2))]
    entry["columns"] = [*(there or ()), *(_plain_column(source, c) for c in further.columns)]
    yield end, rows


def _end(lines: Sequence[str], line: Line, at: tuple[str | int, ...], count: int) -> tuple[int, int]:
    """Where a further item of a list goes (the index of a line), and how far its dash is indented."""
    last = line((*at, count - 1)) - 1
    found = _ITEM.match(lines[last])
    if found is None:
        raise _Unfit
    return _after(lines, last, len(found[1])), len(found[1])


def _after(lines: Sequence[str], first: int, indent: int) -> int:
    """The first line behind an item that begins in line ``first`` with a dash at ``indent``; empty lines and comments are not its own."""
    end = first + 1
    for number in range(first + 1, len(lines)):
        content = lines[number].lstrip(" ")
        if not content.strip() or content.startswith("#"):
            continue
        if len(lines[number]) - len(content) <= indent:
            break
        end = number + 1
    return end


def _source(source: Imported, indent: int) -> Iterator[str]:
    pad = " " * indent
    yield f"{pad}- name: {_scalar(source.name)}"
    if source.database is not None:
        yield f"{pad}  database: {_scalar(source.database)}"
    if source.schema != source.name:
        yield f"{pad}  schema: {_scalar(source.schema)}"
    yield f"{pad}  tables:"
    for table in source.tables:
        yield from _table(source, table, indent + 4)


def _table(source: Imported, table: Described, indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, value in _said_of_table(source, table).items():
        yield f"{pad}{'-' if key == 'name' else ' '} {key}: {_scalar(value)}"
    if table.columns:
        yield f"{pad}  columns:"
        for column in table.columns:
            yield from _column(source, column, indent + 4)


def _column(source: Imported, column: tuple[str, str, str | None], indent: int) -> Iterator[str]:
    for key, value in _plain_column(source, column).items():
        yield f"{' ' * indent}{'-' if key == 'name' else ' '} {key}: {'true' if value is True else _scalar(str(value))}"


def _plain(source: Imported) -> dict[str, Any]:
    place = {"database": source.database} if source.database is not None else {}
    schema = {"schema": source.schema} if source.schema != source.name else {}
    return {"name": source.name, **place, **schema, "tables": [_plain_table(source, t) for t in source.tables]}


def _plain_table(source: Imported, table: Described) -> dict[str, Any]:
    columns = {"columns": [_plain_column(source, c) for c in table.columns]} if table.columns else {}
    return {**_said_of_table(source, table), **columns}


def _said_of_table(source: Imported, table: Described) -> dict[str, str]:
    name = dict(source.names).get(table.relation.name, table.relation.name)
    identifier = {"identifier": table.relation.name} if name != table.relation.name else {}
    return {"name": name, **identifier, **({"description": table.comment} if table.comment else {})}


def _plain_column(source: Imported, column: tuple[str, str, str | None]) -> dict[str, Any]:
    name, kind, comment = column
    said = {"name": name, "data_type": kind, "description": comment, "quote": source.quoted(name)}
    return {key: value for key, value in said.items() if value}


def _scalar(text: str) -> str:
    r"""A text as YAML, in quotes where it would be read as something else.

    >>> [_scalar(t) for t in ("numeric(10,2)", "timestamp with time zone", "no", "a: b", "enum('x')", "1", "struct<a int64>")]
    ['numeric(10,2)', 'timestamp with time zone', '"no"', '"a: b"', '"enum(\'x\')"', '"1"', 'struct<a int64>']
    """
    plain = _PLAIN.fullmatch(text) is not None and text.casefold() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
