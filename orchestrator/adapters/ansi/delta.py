"""How a staged delta gets into an incremental model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from orchestrator.adapters.ansi.intervals import Intervals
from orchestrator.core.config import listed
from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation

NEW = "DBT_INTERNAL_SOURCE"
OLD = "DBT_INTERNAL_DEST"
"""The names `incremental_predicates` already use for the staged delta and for the published table."""


class Delta(Intervals):
    """Append, delete+insert, merge; replace the partitions or the interval that a delta has rows of."""

    name: str = "ansi"
    strategies: tuple[str, ...] = ("append", "delete+insert", "merge", "insert_overwrite", "microbatch")

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
        ``merge_update_columns`` or ``merge_exclude_columns``; ``partition_by`` (``insert_overwrite``); ``event_time``, ``start`` and
        ``end`` (``microbatch``). Raises ``PlanError`` for a strategy the engine lacks.
        """
        if strategy not in self.strategies:
            known = ", ".join(self.strategies)
            hint = did_you_mean(strategy, self.strategies, also=f"strategies are {known}")
            raise PlanError(Problem("N301", f"{self.name} has no incremental strategy `{strategy}`", hint=hint))
        insert = self.insert(stage, target, columns)
        if strategy == "insert_overwrite":
            return (self.delete_partitions(stage, target, options), insert)
        if strategy == "microbatch":
            moved = (self.delete_matching(stage, target, unique_key, options),) if unique_key else ()
            return (self.delete_interval(target, options), *moved, insert)
        if strategy == "append" or not unique_key:
            return (insert,)
        if strategy == "merge":
            return (self.merge(stage, target, columns, unique_key, options),)
        return (self.delete_matching(stage, target, unique_key, options), insert)

    def too_old(self, strategy: str, server: int) -> str | None:  # noqa: ARG002  engines whose versions differ override
        """What an incremental strategy needs that a server of this major version (0: unknown) is not."""
        return None

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

    def delete_interval(self, target: Relation, options: dict[str, Any]) -> str:
        """Delete what is there of the delta's interval."""
        within = self.within(str(options["event_time"]), str(options["start"]), str(options["end"]))
        return f"delete from {self.relation(target)}\nwhere {within}"

    def delete_partitions(self, stage: Relation, target: Relation, options: dict[str, Any]) -> str:
        """Delete the partitions that the delta has rows of; rows without a partition are one of their own.

        The delta's partitions have names that no table has: an expression of the author's can only mean the table's columns.
        """
        parts = [(f"orc_partition_{n}", self.partition(p)) for n, p in enumerate(partitions(options.get("partition_by")))]
        found = ", ".join(f"{expression} as {name}" for name, expression in parts)
        same = " and ".join(f"orc_partitions.{name} is not distinct from ({expression})" for name, expression in parts)
        return (
            f"delete from {self.relation(target)}\n"
            f"where exists (select 1 from (select distinct {found} from {self.relation(stage)}) as orc_partitions where {same})"
        )

    def partition(self, by: str | Mapping[str, Any]) -> str:
        """What a row's partition is: a column or expression as written, or ``{field, granularity}``."""
        if isinstance(by, str):
            return by
        field, granularity = str(by.get("field") or ""), str(by.get("granularity") or "")
        return f"date_trunc({self.text(granularity)}, {field})" if granularity else field

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


def partitions(configured: Any) -> tuple[str | Mapping[str, Any], ...]:
    """The parts of ``partition_by``: a column, an expression, a mapping with ``field``, or several of these; others are left out.

    >>> partitions("day"), partitions(["day", {"field": "at", "granularity": "month"}]), partitions(None)
    (('day',), ('day', {'field': 'at', 'granularity': 'month'}), ())
    """
    found = [configured] if isinstance(configured, Mapping) else listed(configured)
    return tuple(p for p in found if (isinstance(p, str) and p.strip()) or (isinstance(p, Mapping) and p.get("field")))


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
