"""GoogleSQL's answers about statements: their tree, their types, their rows."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.sql.googlesql_engine import Engine, Refused
from orchestrator.testing.bigquery import partitions, types, values
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, unknown
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.types import Field

ROW = "__orc_row"
"""The pseudo column that numbers the rows of a table that is about to be changed."""

KEPT = 24
"""How many sets of tables GoogleSQL keeps between queries."""

LARGE = 4_000_000
"""Bytes of rows from which on nothing is kept between queries."""

LIMITS = ("Cannot generate arrays with more than", "Out of memory", "out of memory")
"""Errors of the reference evaluator that BigQuery would not give."""

NONE = Rows()
"""The rows of tables whose types are asked for only."""

ROUGH = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\bapprox_count_distinct\s*\(""", re.IGNORECASE | re.DOTALL)
"""Texts, quoted names, and calls of the function that the reference evaluator lacks: the exact number is a good estimate."""

PLACE = re.compile(r" \[at (\d+):(\d+)\]$")


@dataclass(frozen=True)
class Feed:
    """A table as a query sees it: its columns, then pseudo columns, whose cells stand last in the rows."""

    fields: Sequence[Field]
    rows: Rows
    pseudo: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Constant:
    """A script's variable: its type as a nullable field, its value as GoogleSQL writes it."""

    field: Field
    value: bytes


@dataclass(frozen=True)
class World:
    """What a statement can name: tables by their flat names, variables, query parameters."""

    feeds: Mapping[str, Feed] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    parameters: Mapping[str, Constant] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What GoogleSQL says about a statement: its resolved tree."""

    statement: Any

    @property
    def reads(self) -> dict[str, set[str]]:
        """The columns read, by the tables' flat names; a table whose rows are only counted has none."""
        found: dict[str, set[str]] = {}
        for scan in tree.find(self.statement, lambda node: tree.kind(node) == "ResolvedTableScan"):
            found.setdefault(scan.table.name, set()).update(column.name for column in scan.parent.column_list)
        return found

    def columns(self) -> list[Field]:
        """The fields that a query's (or CREATE TABLE AS SELECT's) rows have."""
        node = tree.leaf(self.statement)
        listed = node.output_column_list
        return [types.field(column.name, column.column.type) for column in listed]


class Evaluator:
    """GoogleSQL, asked in the fake's terms. Its refusals become BigQuery's."""

    def __init__(self, engine: Engine) -> None:
        from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2

        self._messages = local_service_pb2
        self._engine = engine
        options = type(local_service_pb2.AnalyzeRequest().options.language_options)
        self._language = engine.call("GetLanguageOptions", local_service_pb2.LanguageOptionsRequest(maximum_features=True), options)
        self._language.product_mode = 1  # EXTERNAL: the types of BigQuery
        self._language.ClearField("supported_statement_kinds")
        self._generation = engine.generation
        self._kept: OrderedDict[tuple[Any, ...], tuple[int, World]] = OrderedDict()

    def parse(self, sql: str) -> list[Any]:
        """The statements of a script. Raises BigQuery's syntax error."""
        request = self._messages.ParseRequest(sql_statement=sql, allow_script=True)
        request.options.CopyFrom(self._language)
        try:
            script = self._engine.call("Parse", request, self._messages.ParseResponse).parsed_script
        except Refused as error:
            raise self._worded(error, tree.Splice(sql.encode()), 0) from None
        return [tree.leaf(statement) for statement in script.statement_list_node.statement_list]

    def analyze(self, source: tree.Splice, world: World, start: int = 0, end: int | None = None) -> Found:
        """The resolved statement of a piece of a script. Raises BigQuery's error, with the place in the script."""
        request = self._messages.AnalyzeRequest(sql_statement=source.piece(start, end))
        self._configure(request.options, world)
        request.options.prune_unused_columns = True  # so that a scan names the columns that are read (evaluating needs them all)
        catalog = self._catalog(request, replace(world, feeds={name: replace(feed, rows=NONE) for name, feed in world.feeds.items()}))
        try:
            answer = self._engine.call("Analyze", request, self._messages.AnalyzeResponse)
        except Refused as error:
            raise self._worded(error, source, start) from None
        finally:
            self._release(catalog)
        return Found(tree.leaf(answer.resolved_statement))

    def query(self, sql: str, world: World) -> Rows:
        """The rows of a query. Raises BigQuery's error, or *not implemented* for what the reference evaluator lacks."""
        sql = ROUGH.sub(lambda found: found[0] if found[0][0] in "'\"`" else "count(distinct ", sql)
        request = self._messages.EvaluateQueryRequest(sql=sql)
        if any(len(feed.rows.data) > LARGE for feed in world.feeds.values()):
            world = self._narrowed(sql, world)
        return self._evaluated(
            "EvaluateQuery", request, world, self._messages.EvaluateQueryResponse, lambda got: Rows.of(got.content.table_data)
        )

    def _narrowed(self, sql: str, world: World) -> World:
        """The world without what a query does not read of large tables: it is sent in a fraction of the time.

        A name that means a column keeps meaning it, because a column that is meant is read; only ``*`` may come to mean less.
        Where that makes a difference to the query's columns, or is an error, the world stays as it is.
        """
        source = tree.Splice(sql.encode())
        found = self.analyze(source, world)
        narrow = replace(world, feeds={name: _narrow(feed, found.reads.get(name, set())) for name, feed in world.feeds.items()})
        try:
            again = self.analyze(source, narrow)
        except Refusal:
            return world
        return narrow if (again.columns(), again.reads) == (found.columns(), found.reads) else world

    def insert(self, sql: str, world: World) -> Rows:
        """The rows that an INSERT adds, in the order of the table's columns."""

        def added(got: Any) -> Rows:
            made = self._messages.TableData()
            for row in got.content:
                made.row.add().cell.extend(row.cell)
            return Rows.of(made)

        request = self._messages.EvaluateModifyRequest(sql=sql)
        return self._evaluated("EvaluateModify", request, world, self._messages.EvaluateModifyResponse, added)

    def _evaluated(self, call: str, request: Any, world: World, kind: type[Any], then: Callable[[Any], Rows]) -> Rows:
        self._configure(request.options, world)
        for name, constant in world.parameters.items():
            given = request.params.add()
            given.name = name
            given.value.ParseFromString(constant.value)
        for last in (False, True):
            catalog, before = self._catalog(request, world), self._engine.generation
            try:
                return then(self._engine.call(call, request, kind))
            except Refused as error:
                if last or self._engine.generation == before:
                    raise self._worded(error, None, 0) from None
            finally:
                self._release(catalog)
        raise AssertionError("the second time either answers or raises")  # a fresh evaluator has all its memory again

    def scalars(self, expressions: Sequence[str], world: World) -> list[Constant]:
        """The values of some expressions, with their types."""
        if not expressions:
            return []
        sql = "SELECT " + ", ".join(f"({text}\n) AS c{at}" for at, text in enumerate(expressions))
        fields = self.analyze(tree.Splice(sql.encode()), world).columns()
        cells = self.query(sql, world).parsed().row[0].cell
        return [Constant(made, cell.SerializeToString()) for made, cell in zip(fields, cells, strict=True)]

    def _configure(self, options: Any, world: World) -> None:
        options.language_options.CopyFrom(self._language)
        options.default_timezone = "UTC"
        options.error_message_mode = 1  # ONE_LINE: with the place
        for pseudo in (partitions.LOADED, partitions.LOADED_DAY):
            column = options.ddl_pseudo_columns.add()
            column.name = pseudo["name"]
            types.typed(pseudo, column.type)
        for name, constant in world.parameters.items():
            given = options.query_parameters.add()
            given.name = name
            types.typed(constant.field, given.type)

    def _catalog(self, request: Any, world: World) -> tuple[int, bool]:
        """Make the world known to GoogleSQL, unless it still is; the id, and whether to forget it afterwards."""
        feeds = tuple(
            (name, id(feed.rows), json.dumps([list(feed.fields), list(feed.pseudo)])) for name, feed in sorted(world.feeds.items())
        )
        key = (feeds, tuple((n, c.value, json.dumps(c.field)) for n, c in sorted(world.constants.items())))
        if self._generation != self._engine.generation:  # it crashed, and knows no catalogs any more
            self._kept.clear()
            self._generation = self._engine.generation
        large = sum(len(feed.rows.data) for feed in world.feeds.values()) > LARGE
        if key in self._kept:
            self._kept.move_to_end(key)
            request.registered_catalog_id, _ = self._kept[key]
            return request.registered_catalog_id, False
        made = self._register(world)
        request.registered_catalog_id = made
        if not large:
            self._kept[key] = made, world  # rows are known by their identity: they must outlive the entry
            while len(self._kept) > KEPT:
                _, (old, _) = self._kept.popitem(last=False)
                self._release((old, True))
        return made, large

    def _register(self, world: World) -> int:
        request = self._messages.RegisterCatalogRequest()
        catalog = request.simple_catalog
        catalog.name = "bigquery"
        catalog.builtin_function_options.language_options.CopyFrom(self._language)
        for name, feed in world.feeds.items():
            table = catalog.table.add()
            table.name = table.name_in_catalog = name
            for made in feed.fields:
                column = table.column.add()
                column.name = made["name"]
                types.typed(made, column.type)
            for pseudo, word in feed.pseudo:
                column = table.column.add()
                column.name, column.is_pseudo_column = pseudo, True
                types.typed({"name": pseudo, "type": word, "mode": "NULLABLE"}, column.type)
            request.table_content[name].table_data.ParseFromString(feed.rows.data)
        for name, constant in world.constants.items():
            known = catalog.constant.add()
            known.name_path.append(name)
            types.typed(constant.field, known.type)
            known.value.ParseFromString(constant.value)
        try:
            return int(self._engine.call("RegisterCatalog", request, self._messages.RegisterResponse).registered_id)
        except Refused as error:
            raise self._worded(error, None, 0) from None

    def _release(self, catalog: tuple[int, bool]) -> None:
        made, forget = catalog
        if forget:
            from google.protobuf.empty_pb2 import Empty

            with suppress(Refused):  # it is gone already when GoogleSQL crashed over it
                self._engine.call("UnregisterCatalog", self._messages.UnregisterRequest(registered_id=made), Empty)

    def _worded(self, error: Refused, source: tree.Splice | None, start: int) -> Refusal:
        """GoogleSQL's refusal in BigQuery's words: the place is one of the script that was sent."""
        message = error.message
        if error.unsupported or message.startswith(LIMITS):
            return unknown(f"what GoogleSQL's reference evaluator does not do: {message}")
        if place := PLACE.search(message):
            message = message[: place.start()]
            if source is not None:
                line, column = source.place(int(place[1]), int(place[2]), start)
                message += f" at [{line}:{column}]"
        return invalid_query(message)


def _narrow(feed: Feed, columns: set[str]) -> Feed:
    """A large table's columns that are read (at least one: a table has columns)."""
    if len(feed.rows.data) <= LARGE:
        return feed
    names = [*(made["name"] for made in feed.fields), *(name for name, _ in feed.pseudo)]
    places = [at for at, name in enumerate(names) if name in columns] or [0]
    fields = [feed.fields[at] for at in places if at < len(feed.fields)]
    pseudo = [feed.pseudo[at - len(feed.fields)] for at in places if at >= len(feed.fields)]
    return Feed(fields, feed.rows.only(places), pseudo)


def constant(value: Any, made: Field) -> Constant:
    """A Python value as a constant."""
    from zetasql.wasi._pb2.zetasql.public import value_pb2

    proto = value_pb2.ValueProto()
    values.put(proto, value, made)
    return Constant(made, proto.SerializeToString())


def python(given: Constant) -> Any:
    """A constant as a Python value."""
    from zetasql.wasi._pb2.zetasql.public import value_pb2

    proto = value_pb2.ValueProto()
    proto.ParseFromString(given.value)
    return values.get(proto, given.field)
