"""The default dialect: standard SQL, in small methods that an engine overrides where it differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Existing, Published

LEDGER = Relation(None, "_orc", "ledger")
"""Where publishes are recorded: beside the data, in the target's own database."""

NEW = "DBT_INTERNAL_SOURCE"
OLD = "DBT_INTERNAL_DEST"
"""The names `incremental_predicates` already use for the staged delta and for the published table."""

LEDGER_COLUMNS = (("node", "text"), ("relation", "text"), ("fingerprint", "text"), ("run", "text"), ("at", "text"), ("rows", "bigint"))


class AnsiDialect:
    """What to say to an engine that follows the standard. Stateless; satisfies :class:`~orchestrator.core.ports.Dialect`."""

    name: str = "ansi"
    sqlglot: str = ""
    quote_char: str = '"'
    max_identifier: int = 128
    strategies: tuple[str, ...] = ("append", "delete+insert", "merge")
    trusts_commit: bool = False
    keywords: ClassVar[dict[str, str]] = {"table": "table", "view": "view", "materialized_view": "materialized view", "external": "table"}

    def quote(self, identifier: str) -> str:
        """One identifier, quoted.

        >>> AnsiDialect().quote('two" wide')
        '"two"" wide"'
        """
        return f"{self.quote_char}{identifier.replace(self.quote_char, self.quote_char * 2)}{self.quote_char}"

    def relation(self, relation: Relation) -> str:
        """A relation's full, quoted name.

        >>> AnsiDialect().relation(Relation(None, "order", "select"))
        '"order"."select"'
        """
        return ".".join(self.quote(part) for part in (relation.database, relation.schema, relation.name) if part)

    def literal(self, value: object) -> str:
        """A Python value as a SQL literal. Raises ``TypeError`` for a type that has none.

        >>> AnsiDialect().literal("it's"), AnsiDialect().literal(None), AnsiDialect().literal(True)
        ("'it''s'", 'null', 'true')
        """
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case int() | Decimal():
                return str(value)
            case float():
                return repr(value) if math.isfinite(value) else f"cast('{value}' as double precision)"
            case str():
                return self.text(value)
            case UUID():
                return self.text(str(value))
            case bytes():
                return self.binary(value)
            case list() | tuple():
                return self.array(value)
            case _:
                return self.moment(value)

    def moment(self, value: object) -> str:
        """A date, time, timestamp or interval literal. Raises ``TypeError`` for anything else.

        >>> AnsiDialect().moment(date(2013, 1, 31))
        "date '2013-01-31'"
        """
        match value:
            case datetime():
                return f"{'timestamp' if value.tzinfo is None else 'timestamp with time zone'} '{value.isoformat(' ')}'"
            case date():
                return f"date '{value.isoformat()}'"
            case time():
                return f"time '{value.isoformat()}'"
            case timedelta():
                return f"interval '{value // timedelta(microseconds=1)} microseconds'"
            case _:
                raise TypeError(f"{type(value).__name__} has no SQL literal")

    def text(self, value: str) -> str:
        """A string literal."""
        return f"'{value.replace(chr(39), chr(39) * 2)}'"

    def binary(self, value: bytes) -> str:
        """A byte string literal."""
        return f"x'{value.hex()}'"

    def array(self, values: Sequence[object]) -> str:
        """An array literal."""
        return f"array[{', '.join(self.literal(v) for v in values)}]"

    def create_schema(self, relation: Relation) -> str:
        """Create the relation's schema if it is not there."""
        parts = (relation.database, relation.schema)
        return f"create schema if not exists {'.'.join(self.quote(part) for part in parts if part)}"

    def create_table(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a table from a query; the query's text appears unchanged and last."""
        return f"create or replace table {self.relation(relation)}{self.table_options(config)} as\n{select}"

    def create_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a view over a query; the query's text appears unchanged and last."""
        return f"create or replace view {self.relation(relation)}{self.view_options(config)} as\n{select}"

    def table_options(self, config: dict[str, Any]) -> str:  # noqa: ARG002  engines that have options override
        """What stands between a new table's name and ``as``; starts with a space when it is not empty."""
        return ""

    def view_options(self, config: dict[str, Any]) -> str:  # noqa: ARG002  engines that have options override
        """What stands between a new view's name and ``as``; starts with a space when it is not empty."""
        return ""

    def drop(self, existing: Existing) -> str:
        """Drop what is there, by its kind, if it still exists. Never cascades."""
        return f"drop {self.keywords[existing.kind]} if exists {self.relation(existing.relation)}"

    def rename(self, relation: Relation, name: str) -> str:
        """Give a table another name in its schema."""
        return f"alter table {self.relation(relation)} rename to {self.quote(name)}"

    def swap(self, stage: Relation, target: Relation, existing: Existing | None) -> tuple[str, ...]:
        """Make the staged table the published one, replacing whatever ``existing`` is; for use inside one transaction."""
        drop = () if existing is None else (self.drop(existing),)
        return (*drop, self.rename(stage, target.name))

    def swap_view(self, stage: Relation, target: Relation, existing: Existing | None) -> tuple[str, ...] | None:  # noqa: ARG002
        """Make the staged view the published one; ``None``: send its text again, in place of the old one."""
        return None

    def finish(self, stage: Relation, config: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  engines that have indexes override
        """What a staged table still needs when its rows are there."""
        return ()

    def grants(self, relation: Relation, wanted: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  engines with privileges override
        """Make privileges those of a node's ``grants``."""
        return ()

    def apply_delta(
        self,
        strategy: str,
        stage: Relation,
        target: Relation,
        columns: Sequence[str],
        unique_key: Sequence[str],
        options: dict[str, Any],
    ) -> tuple[str, ...]:
        """Apply a staged delta to an incremental model; without a key there is nothing to match, so rows are appended.

        ``options``: ``incremental_predicates`` (conditions on ``DBT_INTERNAL_DEST`` and ``DBT_INTERNAL_SOURCE``),
        ``merge_update_columns`` or ``merge_exclude_columns``. Raises ``PlanError`` for a strategy the engine lacks.
        """
        if strategy not in self.strategies:
            known = ", ".join(self.strategies)
            hint = did_you_mean(strategy, self.strategies, also=f"strategies are {known}")
            raise PlanError(Problem("N301", f"{self.name} has no incremental strategy `{strategy}`", hint=hint))
        insert = self.insert(stage, target, columns)
        if strategy == "append" or not unique_key:
            return (insert,)
        if strategy == "merge":
            return (self.merge(stage, target, columns, unique_key, options),)
        return (self.delete_matching(stage, target, unique_key, options), insert)

    def insert(self, stage: Relation, target: Relation, columns: Sequence[str]) -> str:
        """Append the delta; columns are matched by name, whatever their order in either table."""
        names = ", ".join(self.quote(c) for c in columns)
        return f"insert into {self.relation(target)} ({names})\nselect {names}\nfrom {self.relation(stage)}"

    def delete_matching(self, stage: Relation, target: Relation, unique_key: Sequence[str], options: dict[str, Any]) -> str:
        """Delete what the delta brings again. A condition that speaks of the delta belongs to its rows, any other to the table's."""
        predicates = _predicates(options)
        inner = "".join(f" and ({p})" for p in predicates if NEW.casefold() in p.casefold())
        outer = "".join(f"\nand ({p})" for p in predicates if NEW.casefold() not in p.casefold())
        return (
            f"delete from {self.relation(target)} as {OLD}\n"
            f"where exists (select 1 from {self.relation(stage)} as {NEW} where {self.same_key(unique_key)}{inner}){outer}"
        )

    def merge(self, stage: Relation, target: Relation, columns: Sequence[str], unique_key: Sequence[str], options: dict[str, Any]) -> str:
        """Update the rows whose key is there, insert the others."""
        on = "".join(f"\nand ({p})" for p in _predicates(options))
        updates = _updated(columns, unique_key, options)
        sets = ", ".join(f"{self.quote(c)} = {NEW}.{self.quote(c)}" for c in updates)
        matched = f"when matched then update set {sets}\n" if updates else ""
        return (
            f"merge into {self.relation(target)} as {OLD}\nusing {self.relation(stage)} as {NEW}\n"
            f"on {self.same_key(unique_key)}{on}\n{matched}"
            f"when not matched then insert ({', '.join(self.quote(c) for c in columns)}) "
            f"values ({', '.join(f'{NEW}.{self.quote(c)}' for c in columns)})"
        )

    def same_key(self, unique_key: Sequence[str]) -> str:
        """The condition that two rows have one key; two nulls are the same."""
        return " and ".join(f"{NEW}.{self.quote(k)} is not distinct from {OLD}.{self.quote(k)}" for k in unique_key)

    def add_columns(self, target: Relation, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Add columns ``(name, type)`` to a table."""
        return tuple(f"alter table {self.relation(target)} add column {self.quote(name)} {type_}" for name, type_ in columns)

    def ledger_setup(self) -> tuple[str, ...]:
        """Create the ledger's schema and table if they are not there."""
        columns = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in LEDGER_COLUMNS)
        return (self.create_schema(LEDGER), f"create table if not exists {self.relation(LEDGER)} ({columns})")

    def ledger_write(self, published: Published, *, known: bool = True) -> tuple[str, ...]:
        """Record a publish, replacing the node's previous row (if one is ``known``); runs in the publish's transaction."""
        values = ", ".join(self.literal(getattr(published, name)) for name, _ in LEDGER_COLUMNS)
        insert = f"insert into {self.relation(LEDGER)} ({self._ledger_names()}) values ({values})"
        if not known:
            return (insert,)
        return f"delete from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(published.node)}", insert

    def ledger_read(self, node: str) -> str:
        """A query for the run id last recorded for ``node``; proves a commit."""
        return f"select {self.quote('run')} from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(node)}"

    def ledger_rows(self) -> str:
        """A query for the whole ledger, its columns in the order of :class:`~orchestrator.core.snapshot.Published`."""
        return f"select {self._ledger_names()} from {self.relation(LEDGER)}"

    def _ledger_names(self) -> str:
        return ", ".join(self.quote(name) for name, _ in LEDGER_COLUMNS)

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """Statements that persist descriptions; ``description`` ``None`` leaves the relation's own comment alone."""
        name = self.relation(relation)
        own = () if description is None else (f"comment on {kind} {name} is {self.literal(description)}",)
        return (*own, *(f"comment on column {name}.{self.quote(c)} is {self.literal(text)}" for c, text in columns.items()))


def _predicates(options: dict[str, Any]) -> list[str]:
    given = options.get("incremental_predicates") or options.get("predicates") or ()
    return [given] if isinstance(given, str) else [str(p) for p in given]


def _updated(columns: Sequence[str], unique_key: Collection[str], options: dict[str, Any]) -> list[str]:
    """The columns a merge overwrites: all, those named, or all but those excluded; a key equals itself already."""
    only, never = (_folded(options.get(o)) for o in ("merge_update_columns", "merge_exclude_columns"))
    keys = _folded(unique_key)
    wanted: Callable[[str], bool] = (lambda c: c in only) if only else (lambda c: c not in never)
    return [c for c in columns if wanted(c.casefold()) and c.casefold() not in keys]


def _folded(names: Collection[str] | str | None) -> frozenset[str]:
    return frozenset(n.casefold() for n in ([names] if isinstance(names, str) else names or ()))
