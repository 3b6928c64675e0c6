"""Optional: Google's own opinion of BigQuery SQL, without a warehouse (extra ``googlesql``). :func:`analyzer` is the door."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.sql import googlesql_tree as tree
from orchestrator.sql.googlesql_engine import Engine, Refused, Unavailable, cache_folder, start

Columns = Sequence[tuple[str, str]]
"""A table's columns: name, and type as SQL writes it."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a statement, and where (both counted from 1); no place where GoogleSQL names none."""

    message: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What GoogleSQL says about a query: its columns with types, the columns that it reads of each table, or its mistake."""

    columns: tuple[tuple[str, str], ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mistake: Mistake | None = None


class Analyzer(Protocol):
    """Somebody who understands BigQuery SQL."""

    def analyze(self, sql: str, tables: Mapping[str, Columns]) -> Analysis | None:
        """Understand one query over ``tables``, named as the query names them; ``None`` when nobody here can."""
        ...


class NoAnalyzer:
    """Where GoogleSQL is not installed: no opinion, for the reason given."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def analyze(self, sql: str, tables: Mapping[str, Columns]) -> Analysis | None:  # noqa: ARG002  nothing is looked at
        """No opinion."""
        return None


def analyzer(env: Mapping[str, str]) -> Analyzer:
    """Google's analyzer, or nobody. The first call on a machine compiles for half a minute; later ones take a fraction of a second."""
    try:
        return GoogleSql(start(cache_folder(env)))
    except Unavailable as reason:
        return NoAnalyzer(str(reason))


class GoogleSql:
    """Google's analyzer."""

    def __init__(self, engine: Engine) -> None:
        from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2

        self._messages = local_service_pb2
        self._engine = engine
        kind = type(local_service_pb2.AnalyzeRequest().options.language_options)
        self._language = engine.call("GetLanguageOptions", local_service_pb2.LanguageOptionsRequest(maximum_features=True), kind)
        self._language.product_mode = 1  # EXTERNAL: the types of BigQuery
        self._language.ClearField("supported_statement_kinds")
        self._types: dict[str, Any] = {}

    def analyze(self, sql: str, tables: Mapping[str, Columns]) -> Analysis:
        """Understand one query over ``tables``."""
        text = sql.encode()
        try:
            places = tree.tables(self._parsed(sql))
        except Refused as error:
            return Analysis(mistake=_mistake(error, tree.Splice(text)))
        edits, used = [], set()
        for place in places:
            name = _known(place.names, tables)
            if name is None:
                line, column = tree.position(text, place.start)
                return Analysis(mistake=Mistake(f"Table not found: {'.'.join(place.names)}", line, column))
            used.add(name)
            alias = "" if place.alias else f" AS `{place.names[-1]}`"
            edits.append((place.start, place.end, f"`{name}`{alias}".encode()))
        source = tree.Splice(text, tuple(edits))
        request = self._request(source.piece())
        for name in sorted(used):
            self._add_table(request.simple_catalog, name, tables[name])
        try:
            found = tree.leaf(self._engine.call("Analyze", request, self._messages.AnalyzeResponse).resolved_statement)
        except Refused as error:
            return Analysis(mistake=_mistake(error, source))
        if tree.kind(found) != "ResolvedQueryStmt":
            return Analysis(mistake=Mistake("not a query"))
        columns = tuple((column.name, _written(column.column.type)) for column in found.output_column_list)
        return Analysis(columns, _reads(found))

    def _parsed(self, sql: str) -> Any:
        request = self._messages.ParseRequest(sql_statement=sql, allow_script=True)  # errors of a script have their place
        request.options.CopyFrom(self._language)
        return self._engine.call("Parse", request, self._messages.ParseResponse).parsed_script

    def _request(self, sql: str) -> Any:
        request = self._messages.AnalyzeRequest(sql_statement=sql)
        request.options.language_options.CopyFrom(self._language)
        request.options.default_timezone = "UTC"
        request.options.error_message_mode = 1  # ONE_LINE: with the place
        request.options.prune_unused_columns = True
        request.simple_catalog.builtin_function_options.language_options.CopyFrom(self._language)
        return request

    def _add_table(self, catalog: Any, name: str, columns: Columns) -> None:
        table = catalog.table.add()
        table.name = table.name_in_catalog = name
        for column, kind in columns:
            made = table.column.add()
            made.name = column
            made.type.CopyFrom(self._type(kind))

    def _type(self, written: str) -> Any:
        """A type from its text, read by GoogleSQL itself. Raises ``ValueError``."""
        if written not in self._types:
            try:
                answer = self._engine.call("Analyze", self._request(f"CREATE TABLE t (c {written})"), self._messages.AnalyzeResponse)
            except Refused as error:
                raise ValueError(f"no type of BigQuery: {written}") from error
            self._types[written] = tree.within(answer.resolved_statement, "column_definition_list")[0].type
        return self._types[written]


def _known(names: tuple[str, ...], tables: Mapping[str, Columns]) -> str | None:
    """The key of a table that a query names; a query may leave out the project.

    >>> _known(("d", "t"), {"p.d.t": []}), _known(("x", "t"), {"p.d.t": []})
    ('p.d.t', None)
    """
    written = ".".join(names)
    if written in tables:
        return written
    return next((key for key in tables if key.endswith(f".{written}")), None)


def _reads(statement: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for scan in tree.find(statement, lambda node: tree.kind(node) == "ResolvedTableScan"):
        found.setdefault(scan.table.name, {}).update({column.name: None for column in scan.parent.column_list})
    return {name: tuple(columns) for name, columns in found.items()}


def _mistake(error: Refused, source: tree.Splice) -> Mistake:
    place = re.search(r" \[at (\d+):(\d+)\]$", error.message)
    if place is None:
        return Mistake(error.message)
    line, column = source.place(int(place[1]), int(place[2]))
    return Mistake(error.message[: place.start()], line, column)


def _written(proto: Any) -> str:
    """A type as SQL writes it."""
    from zetasql.wasi._pb2.zetasql.public import type_pb2

    word = str(type_pb2.TypeKind.Name(proto.type_kind)).removeprefix("TYPE_")
    if word == "ARRAY":
        return f"ARRAY<{_written(proto.array_type.element_type)}>"
    if word == "STRUCT":
        return "STRUCT<" + ", ".join(f"{f.field_name} {_written(f.field_type)}".strip() for f in proto.struct_type.field) + ">"
    return "FLOAT64" if word == "DOUBLE" else word
