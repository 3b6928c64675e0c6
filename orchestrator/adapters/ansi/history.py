"""How a snapshot's table is made and kept up to date: one row for each version of each key.

A run is a few statements inside one transaction: what is wrong with the staged rows, what changed (a table of its own), the end of
versions that are over, the new versions. A version begins when the row says it changed, but never before the version it follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.history import Comparison
from orchestrator.core.names import Relation

CHANGE = "__orc_change"
"""The column that says what a row of the changes is: ``new``, ``changed``, ``gone`` or ``marked``."""

_HELD, _AT, _UPDATED = "__orc_held", "__orc_at", "__orc_updated"
_SIZED = re.compile(r"(character varying|varchar|string|text|character|char)\s*(?:\((\d+)\))?")


class Histories(Words):
    """The statements of a snapshot. All of them are standard SQL, or nearly."""

    def fold(self, identifier: str) -> str:
        """How the engine spells an identifier that is written without quotes."""
        return identifier

    def exists(self, relation: Relation) -> str:
        """A query with one row of one column: whether there is a table or view of this name right now."""
        named = (("table_catalog", relation.database), ("table_schema", relation.schema), ("table_name", relation.name))
        where = " and ".join(f"lower({column}) = lower({self.text(name)})" for column, name in named if name)
        return f"select count(*) > 0 from information_schema.tables where {where}"

    def history_lock(self, target: Relation) -> tuple[str, ...]:  # noqa: ARG002  engines that let two sessions write override
        """Let nobody else change this snapshot until the transaction ends; also when its table is not there yet."""
        return ()

    def clock_kind(self, type_: str) -> Literal["zoned", "plain", "date"] | None:
        """What sort of moment a column type holds.

        >>> [Histories().clock_kind(t) for t in ("TIMESTAMP WITH TIME ZONE", "timestamp(3) without time zone", "DATE", "text")]
        ['zoned', 'plain', 'date', None]
        """
        folded = type_.strip().casefold()
        if not folded.startswith(("timestamp", "datetime")):
            return "date" if folded == "date" else None
        return "zoned" if "with time zone" in folded or folded.startswith(("timestamptz", "timestamp_tz")) else "plain"

    def instant(self, at: datetime, type_: str) -> str | None:
        """An instant as a value of a column type, in UTC; ``None`` for a type that holds no moments.

        >>> from datetime import UTC
        >>> Histories().instant(datetime(2026, 1, 31, 12, tzinfo=UTC), "DATE")
        "cast(date '2026-01-31' as DATE)"
        """
        match self.clock_kind(type_):
            case "zoned":
                value: object = at
            case "plain":
                value = at.replace(tzinfo=None)
            case "date":
                value = at.date()
            case None:
                return None
        return f"cast({self.literal(value)} as {type_})"

    def fits(self, before: str, after: str) -> Literal["same", "wider", "other"]:
        """What a column's type in the query means for the table's: texts may become longer, anything else is another type.

        >>> [Histories().fits("varchar(10)", t) for t in ("varchar(10)", "varchar(20)", "varchar(5)", "integer")]
        ['same', 'wider', 'same', 'other']
        """
        if before.casefold() == after.casefold():
            return "same"
        old, new = _SIZED.fullmatch(before.casefold()), _SIZED.fullmatch(after.casefold())
        if old is None or new is None:
            return "other"
        return "same" if old[2] is None or (new[2] is not None and int(new[2]) <= int(old[2])) else "wider"

    def as_text(self, expression: str) -> str:
        """A value as text."""
        return f"cast({expression} as varchar)"

    def digest(self, text: str) -> str:
        """The MD5 of a text, in hex."""
        return f"md5({text})"

    def differs(self, left: str, right: str, type_: str) -> str:  # noqa: ARG002  types that cannot be compared are an engine's own
        """The condition that two values of a column are not the same; null is a value like any other."""
        return f"{left} is distinct from {right}"

    def widen(self, target: Relation, column: str, type_: str) -> str:
        """Let a column hold longer texts."""
        return f"alter table {self.relation(target)} alter column {self.quote(column)} set data type {type_}"

    def scd_id(self, keys: Sequence[str], at: str) -> str:
        """A version's name: the digest dbt makes of its key and the moment it begins."""
        return self.digest(" || '|' || ".join(f"coalesce({self.as_text(part)}, '')" for part in (*keys, at)))

    def history_faults(self, of: Comparison, existing: bool) -> str:
        """A query for ``(what, how many, example)``: keys that are null or not unique, rows without a moment, keys that are current twice.

        Only what is there is listed; no rows are good news.
        """
        keys = self._keys("", len(of.keys))
        broken = " or ".join(f"{k} is null" for k in keys)
        shown = " || ', ' || ".join(f"coalesce({self.as_text(k)}, 'null')" for k in keys)

        def counted(what: str, rows: str) -> str:
            return f"select '{what}' as what, count(*) as n, min({shown}) as example from {rows}"

        def twice(rows: str) -> str:
            names = ", ".join(keys)
            return f"(select {names} from {rows} where not ({broken}) group by {names} having count(*) > 1) twice"

        parts = [counted("nameless", f"{self._fresh(of)} where {broken}"), counted("repeated", twice(self._fresh(of)))]
        if of.checked is None:
            parts.append(counted("timeless", f"{self._fresh(of)} where {self.quote(_UPDATED)} is null"))
        if existing:
            parts.append(counted("forked", twice(self._held(of))))
        return f"select what, n, example from (\n{_union(parts)}\n) faults\nwhere n > 0"

    def history_first(self, of: Comparison) -> str:
        """A query for the rows of a new table: every row of the stage, current."""
        columns = [f"fresh.{self.quote(c.new)} as {self.quote(c.old)}" for c in of.columns]
        meta = self._meta(of, self._keys("fresh.", len(of.keys)), f"fresh.{self.quote(_UPDATED)}", f"fresh.{self.quote(_UPDATED)}", "False")
        return f"select {_listed([*columns, *meta])}\nfrom {self._fresh(of)}"

    def history_changes(self, of: Comparison) -> str:
        """A query for the rows that have to be written, each with what it is in :data:`CHANGE`."""
        keys, updated, at = self._keys("moved.", len(of.keys)), f"moved.{self.quote(_UPDATED)}", f"moved.{self.quote(_AT)}"
        head = [f"moved.{self.quote(CHANGE)}", f"moved.{self.quote(_HELD)}", at, *keys]
        columns = [f"moved.{self.quote(c.new)} as {self.quote(c.old)}" for c in of.columns]
        meta = self._meta(of, keys, updated, at, "False")
        parts = [f"select {_listed(head)},\n  {_listed(columns)},\n  {_listed(meta)}\nfrom {self._moved(of)}"]
        return _union([*parts, *([self._ended(of)] if of.hard_deletes != "ignore" else [])])

    def history_counts(self, of: Comparison) -> str:
        """A query for ``(change, how many)`` over the table of changes."""
        return f"select {self.quote(CHANGE)}, count(*) from {self.relation(of.changes)} group by {self.quote(CHANGE)}"

    def history_close(self, of: Comparison) -> str:
        """End the versions that are over. A key that is an expression cannot be asked of both tables at once: its version's name can."""
        table, end = "orc_held", self.quote(of.meta.dbt_valid_to)
        same = [f"{table}.{self.quote(c)} = orc_moved.{k}" for c, k in zip(of.joined, self._keys("", len(of.keys)), strict=True) if c]
        if None in of.joined:
            same.append(f"{table}.{self.quote(of.meta.dbt_scd_id)} = orc_moved.{self.quote(_HELD)}")
        return (
            f"update {self.relation(of.target)} as {table}\nset {end} = orc_moved.{self.quote(_AT)}\n"
            f"from {self.relation(of.changes)} as orc_moved\nwhere orc_moved.{self.quote(CHANGE)} <> 'new'\n"
            f"and {' and '.join(same)}\nand {self._current(of, f'{table}.')}"
        )

    def history_open(self, of: Comparison) -> str:
        """Write the new versions."""
        meta = of.meta
        named = [c.old for c in of.columns]
        named += [meta.dbt_scd_id, *([meta.dbt_updated_at] if of.stamped else []), meta.dbt_valid_from, meta.dbt_valid_to]
        named += [meta.dbt_is_deleted] if of.marked else []
        names = ", ".join(self.quote(n) for n in named)
        where = f"where {self.quote(CHANGE)} <> 'gone'"
        return f"insert into {self.relation(of.target)} ({names})\nselect {names}\nfrom {self.relation(of.changes)}\n{where}"

    def history_mark(self, of: Comparison) -> str:
        """What is there when the table gets its column ``dbt_is_deleted`` was never marked."""
        marked = self.quote(of.meta.dbt_is_deleted)
        return f"update {self.relation(of.target)} set {marked} = 'False' where {marked} is null"

    def _keys(self, prefix: str, count: int) -> list[str]:
        return [f"{prefix}{self.quote(f'__orc_key_{number}')}" for number in range(1, count + 1)]

    def _computed(self, keys: Sequence[str]) -> list[str]:
        return [f"({key}) as {name}" for key, name in zip(keys, self._keys("", len(keys)), strict=True)]

    def _fresh(self, of: Comparison) -> str:
        """The staged rows with their key and the moment of their last change."""
        updated = f"cast({of.updated} as {of.moment}) as {self.quote(_UPDATED)}"
        return f"(select staged.*, {_listed([*self._computed(of.keys), updated])} from {self.relation(of.stage)} as staged) fresh"

    def _held(self, of: Comparison) -> str:
        """The current versions with their key."""
        keys, where = _listed(self._computed(of.held_keys)), self._current(of, "kept.")
        return f"(select kept.*, {keys} from {self.relation(of.target)} as kept where {where}) held"

    def _past(self, of: Comparison) -> str:
        """When the last version of a key ended."""
        names, end = ", ".join(self._keys("", len(of.keys))), f"kept.{self.quote(of.meta.dbt_valid_to)}"
        columns = _listed([*self._computed(of.held_keys), f"{end} as ending"])
        ended = f"select {columns} from {self.relation(of.target)} as kept where not {self._current(of, 'kept.')}"
        return f"(select {names}, max(ending) as until from ({ended}) ended group by {names}) past"

    def _moved(self, of: Comparison) -> str:
        """Staged rows that are a new version: of a key nobody held, or of one whose row changed, or came back."""
        known = f"held.{self.quote('__orc_key_1')}"
        before = f"coalesce(held.{self.quote(of.meta.dbt_valid_from)}, past.until)"
        same_held, same_past = (self._same("fresh.", other, len(of.keys)) for other in ("held.", "past."))
        at = _later(f"fresh.{self.quote(_UPDATED)}", before, of.now)
        change = f"case when {known} is null then 'new' else 'changed' end as {self.quote(CHANGE)}"
        held = f"held.{self.quote(of.meta.dbt_scd_id)} as {self.quote(_HELD)}"
        return (
            f"(\nselect fresh.*, {change}, {held},\n  {at} as {self.quote(_AT)}\nfrom {self._fresh(of)}\n"
            f"left join {self._held(of)} on {same_held}\nleft join {self._past(of)} on {same_past}\n"
            f"where {known} is null or {self._changed(of)}\n) moved"
        )

    def _changed(self, of: Comparison) -> str:
        if of.checked is None:
            stamp = of.meta.dbt_updated_at if of.stamped else of.meta.dbt_valid_from
            tests = [f"held.{self.quote(stamp)} < fresh.{self.quote(_UPDATED)}"]
        else:
            tests = [self.differs(f"held.{self.quote(c.old)}", f"fresh.{self.quote(c.new)}", c.type_) for c in of.checked]
        if of.marked:
            tests.append(self._is_marked(of))
        return f"({' or '.join(tests)})" if tests else "false"

    def _lost(self, of: Comparison) -> str:
        """Current versions whose key is in the stage no more."""
        start = f"held.{self.quote(of.meta.dbt_valid_from)}"
        unmarked = f" and not {self._is_marked(of)}" if of.hard_deletes == "new_record" else ""
        return (
            f"(\nselect held.*, case when {start} > {of.now} then {start} else {of.now} end as {self.quote(_AT)}\nfrom {self._held(of)}\n"
            f"left join {self._fresh(of)} on {self._same('held.', 'fresh.', len(of.keys))}\n"
            f"where fresh.{self.quote('__orc_key_1')} is null{unmarked}\n) lost"
        )

    def _ended(self, of: Comparison) -> str:
        """The lost versions: they end, and a marker follows if it is wanted."""
        kind = "marked" if of.hard_deletes == "new_record" else "gone"
        held, at = f"lost.{self.quote(of.meta.dbt_scd_id)}", f"lost.{self.quote(_AT)}"
        head = [f"'{kind}'", held, at, *self._keys("lost.", len(of.keys))]
        columns = [f"lost.{self.quote(c.old)}" for c in of.columns]
        return f"select {_listed(head)},\n  {_listed(columns)},\n  {_listed(self._meta(of, [held], at, at, 'True'))}\nfrom {self._lost(of)}"

    def _meta(self, of: Comparison, keys: Sequence[str], updated: str, at: str, deleted: str) -> list[str]:
        meta = of.meta
        end = f"cast(null as {of.moment})"
        shown = [
            f"{self.scd_id(keys, at)} as {self.quote(meta.dbt_scd_id)}",
            *([f"{updated} as {self.quote(meta.dbt_updated_at)}"] if of.stamped else []),
            f"{at} as {self.quote(meta.dbt_valid_from)}",
            f"{end if of.current is None else f'coalesce({end}, ({of.current}))'} as {self.quote(meta.dbt_valid_to)}",
        ]
        return [*shown, f"'{deleted}' as {self.quote(meta.dbt_is_deleted)}"] if of.marked else shown

    def _current(self, of: Comparison, prefix: str) -> str:
        end = f"{prefix}{self.quote(of.meta.dbt_valid_to)}"
        return f"({end} is null)" if of.current is None else f"({end} is null or coalesce({end} = ({of.current}), false))"

    def _is_marked(self, of: Comparison) -> str:
        return f"(coalesce(held.{self.quote(of.meta.dbt_is_deleted)}, 'False') = 'True')"

    def _same(self, left: str, right: str, count: int) -> str:
        return " and ".join(f"{a} = {b}" for a, b in zip(self._keys(left, count), self._keys(right, count), strict=True))


def _later(moment: str, before: str, now: str | None) -> str:
    """When a version begins: at its row's moment, if that is after the version before; else now, and in no case before that version."""
    otherwise = before if now is None else f"case when {before} > {now} then {before} else {now} end"
    return f"case when {before} >= {moment} or {moment} is null then {otherwise} else {moment} end"


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts)


def _union(parts: Sequence[str]) -> str:
    return "\nunion all\n".join(parts)
