"""Names that ask the warehouse. Without a connection they answer nothing and the template is late: rendered again before its step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orchestrator.core.errors import ExecuteError
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection, Dialect
from orchestrator.core.snapshot import Existing
from orchestrator.render.facades import PhysicalRelation
from orchestrator.render.macros import BoundMacro
from orchestrator.render.scope import Scope

UNKNOWN = "X102"
"""What every engine's refusal of a name that it does not know is called."""


class Rows:
    """A query's result as templates know it: ``.rows``, ``.columns``, ``.column_names``, ``.columns[0].values()``."""

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.column_names = tuple(names)
        self.rows = [Row(names, row) for row in rows]
        self.columns = Columns(names, [[row[i] for row in rows] for i in range(len(names))])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def print_table(self, **_: Any) -> None:
        """Agate's way of showing a table; results are logged by the author's own ``log``."""


class Row:
    """One row: by position, by name, or as a sequence."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._names = [n.casefold() for n in names]
        self._values = tuple(values)

    def __getitem__(self, key: int | str) -> Any:
        return self._values[key if isinstance(key, int) else self._names.index(key.casefold())]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> tuple[Any, ...]:
        """The row's values."""
        return self._values

    def dict(self) -> dict[str, Any]:
        """The row by (folded) column name."""
        return dict(zip(self._names, self._values, strict=True))


class Columns:
    """A result's columns, by position or name."""

    def __init__(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
        self._columns = [ResultColumn(n, v) for n, v in zip(names, values, strict=True)]

    def __getitem__(self, key: int | str) -> ResultColumn:
        if isinstance(key, int):
            return self._columns[key]
        return next(c for c in self._columns if c.name.casefold() == key.casefold())

    def __iter__(self) -> Iterator[ResultColumn]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class ResultColumn:
    """A column of a result: its name and values."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        self.name = name
        self._values = tuple(values)

    def values(self) -> tuple[Any, ...]:
        """The column's values, top to bottom."""
        return self._values

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)


class Column:
    """A relation's column as ``adapter.get_columns_in_relation`` gives it."""

    def __init__(self, name: str, data_type: str, quote_char: str = '"') -> None:
        self.name = self.column = name
        self.data_type = self.dtype = data_type
        self.quoted = f"{quote_char}{name}{quote_char}"

    def is_string(self) -> bool:
        """Whether it holds text."""
        return any(word in self.data_type.lower() for word in ("char", "text", "string"))

    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return any(word in self.data_type.lower() for word in ("int", "decimal", "numeric", "double", "float", "real"))

    is_numeric = is_number


def ask(scope: Scope, sql: str) -> Rows | None:
    """Run ``sql`` now, or note that the template wants to."""
    scope.recorder.asked("warehouse")
    if scope.live is None:
        return None
    answer = scope.live.connection.execute(resolved(scope, sql))
    return Rows(answer.columns, answer.rows)


def resolved(scope: Scope, sql: str) -> str:
    """``sql`` with markers replaced by physical names."""
    from orchestrator.core import marker

    if scope.live is None:
        return sql
    out: list[str] = []
    cursor = 0
    for found in marker.find(sql, scope.facts.dialect.quote_char):
        relation = scope.live.physical(found.payload)
        out += [sql[cursor : found.start], scope.facts.dialect.relation(relation) if relation else sql[found.start : found.end]]
        cursor = found.end
    return "".join([*out, sql[cursor:]])


def _run_query(scope: Scope) -> Callable[[str], Rows | None]:
    return lambda sql: ask(scope, str(sql))


def _statement(scope: Scope) -> Callable[..., str]:
    def statement(name: str | None = None, fetch_result: bool = False, auto_begin: bool = True, caller: Any = None, **_: Any) -> str:  # noqa: ARG001 - dbt's signature
        """Run the body of a ``call`` block; ``load_result`` gives what came back."""
        rows = ask(scope, caller()) if caller else None
        if name:
            scope.results[name] = {"table": rows, "data": [r.values() for r in rows] if rows else [], "response": "OK"}
        return ""

    return statement


class _Result(dict[str, Any]):
    """A loaded result; its keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _load_result(scope: Scope) -> Callable[[str], Any]:
    return lambda name: _Result(scope.results[name]) if name in scope.results else None


def _kind(connection: Connection, relation: Relation, dialect: Dialect) -> str | None:
    """``table`` or ``view``, ``None`` when there is no such relation. Asked of the catalog: a failed query would cost the transaction."""
    try:
        rows = connection.execute(dialect.kind_of(relation)).rows
    except ExecuteError as error:
        if error.first.code != UNKNOWN:
            raise
        return None  # where each schema has a catalog of its own, a schema that is not there has none
    return None if not rows else "view" if "VIEW" in str(rows[0][0]).upper() else "table"


class Adapter:
    """``adapter``: dispatch, and questions about relations."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def dispatch(self, macro_name: str, macro_namespace: str | None = None, packages: Any = None) -> BoundMacro:  # noqa: ARG002 - dbt's signature
        """The engine's version of a macro."""
        from orchestrator.render.context import dispatch

        found: BoundMacro = dispatch(self._scope, macro_name, macro_namespace)
        return found

    def type(self) -> str:
        """The engine."""
        self._scope.recorder.saw("target:type", self._scope.facts.target.type)
        return self._scope.facts.target.type

    def quote(self, identifier: str) -> str:
        """A quoted identifier."""
        return self._scope.facts.dialect.quote(identifier)

    def get_relation(self, database: Any = None, schema: Any = None, identifier: Any = None) -> PhysicalRelation | None:
        """The relation if it exists."""
        self._scope.recorder.asked("warehouse")
        live = self._scope.live
        if live is None or identifier is None:
            return None
        relation = Relation(str(database) if database else None, str(schema) if schema else None, str(identifier))
        kind = _kind(live.connection, relation, self._scope.facts.dialect)
        return PhysicalRelation(relation, self._scope.facts.dialect.relation(relation), kind) if kind else None

    def get_columns_in_relation(self, relation: Any) -> list[Column]:
        """The columns of a relation, ``[]`` without a connection."""
        self._scope.recorder.asked("warehouse")
        live = self._scope.live
        if live is None or relation is None:
            return []
        where = Relation(relation.database, relation.schema, relation.identifier)
        return [Column(n, t, self._scope.facts.dialect.quote_char) for n, t in live.connection.columns(where)]

    def get_missing_columns(self, from_relation: Any, to_relation: Any) -> list[Column]:
        """Columns the first has and the second lacks."""
        there = {c.name.casefold() for c in self.get_columns_in_relation(to_relation)}
        return [c for c in self.get_columns_in_relation(from_relation) if c.name.casefold() not in there]

    def execute(self, sql: str, fetch: bool = False, **_: Any) -> tuple[str, Rows | None]:  # noqa: ARG002 - dbt's signature
        """Run a statement."""
        return "OK", ask(self._scope, str(sql))

    def create_schema(self, relation: Any) -> None:
        """Create a relation's schema if it is not there."""
        self._change(lambda say: say.create_schema(_place(relation)))

    def drop_schema(self, relation: Any) -> None:
        """Drop a relation's schema with everything in it."""
        self._change(lambda say: say.drop_schema(_place(relation)))

    def drop_relation(self, relation: Any) -> None:
        """Drop a relation if it is there; never what depends on it."""
        live = self._scope.live
        kind = _kind(live.connection, _place(relation), self._scope.facts.dialect) if live and relation is not None else None
        if kind:
            self._change(lambda say: say.drop(Existing(_place(relation), "view" if kind == "view" else "table")))

    def rename_relation(self, from_relation: Any, to_relation: Any) -> None:
        """Give a table another name in its schema."""
        self._change(lambda say: f"alter table {say.relation(_place(from_relation))} rename to {say.quote(_place(to_relation).name)}")

    def truncate_relation(self, relation: Any) -> None:
        """Delete all rows of a table."""
        self._change(lambda say: f"delete from {say.relation(_place(relation))}")

    def list_schemas(self, database: Any = None) -> list[str]:
        """The names of all schemas; none without a connection."""
        where = f" where lower(catalog_name) = lower({self._scope.facts.dialect.literal(str(database))})" if database else ""
        rows = ask(self._scope, f"select schema_name from information_schema.schemata{where}")
        return [str(row[0]) for row in rows or ()]

    def check_schema_exists(self, database: Any, schema: Any) -> bool:
        """Whether there is a schema of this name."""
        return str(schema).casefold() in (s.casefold() for s in self.list_schemas(database))

    def _change(self, statement: Callable[[Dialect], str]) -> None:
        self._scope.recorder.asked("warehouse")
        if self._scope.live is not None:
            self._scope.live.connection.execute(statement(self._scope.facts.dialect))


def _place(relation: Any) -> Relation:
    return Relation(relation.database, relation.schema, relation.identifier)


class Api:
    """``api.Relation.create(…)`` and ``api.Column.create(…)``."""

    __slots__ = ("Column", "Relation")

    def __init__(self, scope: Scope) -> None:
        dialect = scope.facts.dialect

        class _Relations:
            @staticmethod
            def create(
                database: str | None = None,
                schema: str | None = None,
                identifier: str = "",
                type: str | None = None,  # noqa: A002 - dbt's name
                **_: Any,
            ) -> PhysicalRelation:
                relation = Relation(database, schema, identifier)
                return PhysicalRelation(relation, dialect.relation(relation), type)

        class _Columns:
            @staticmethod
            def create(name: str, data_type: str) -> Column:
                return Column(name, data_type, dialect.quote_char)

        self.Relation = _Relations()
        self.Column = _Columns()


def _graph(scope: Scope) -> Any:
    scope.recorder.asked("graph")
    return dict(scope.live.graph) if scope.live else {"nodes": {}, "sources": {}, "exposures": {}, "metrics": {}}


WAREHOUSE: dict[str, Callable[[Scope], Any]] = {
    "run_query": _run_query,
    "statement": _statement,
    "load_result": _load_result,
    "adapter": Adapter,
    "api": Api,
    "graph": _graph,
}
