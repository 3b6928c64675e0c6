"""Bringing a snapshot's table up to date with its stage: looks at both, refuses what would spoil the history, writes what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem, did_you_mean
from orchestrator.core.history import META, Comparison, History, Meta, Pair, word
from orchestrator.core.names import Relation
from orchestrator.core.plan import Step
from orchestrator.core.ports import Answer, Connection, Dialect
from orchestrator.core.snapshot import Existing
from orchestrator.execute.apply import NOTHING
from orchestrator.execute.workshop import Workshop

Columns = Sequence[tuple[str, str]]
Send = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Written:
    """What one run wrote: ``rows`` that were added, versions that ``ended``, and whether the table is ``new``."""

    rows: int
    ended: int = 0
    new: bool = False

    @property
    def details(self) -> dict[str, Any]:
        """As artifacts say it."""
        return {"rows_affected": self.rows + self.ended}

    @property
    def message(self) -> str:
        """As the console says it.

        >>> Written(3, 2).message, Written(3, new=True).message
        ('INSERT 3, UPDATE 2', 'SELECT 3')
        """
        if self.new:
            return f"SELECT {self.rows}"
        return f"INSERT {self.rows}, UPDATE {self.ended}" if self.ended else f"INSERT {self.rows}"


def written(step: Step, connection: Connection, shop: Workshop, send: Send) -> Written | None:
    """Do what a step of a plan says, as of the run's own instant; ``None`` for a step that only prepares.

    Where a transaction holds changes of rows only, a plan takes it apart: ``first`` builds a new table beside, in ``changes``;
    ``changes`` makes an old one fit and works out what changed; ``rows`` writes that down.
    """
    if not isinstance(step.relation, Relation):
        raise AssertionError(step.id)
    asked, stage, config = (step.payload[k] for k in ("history", "stage", "config"))
    target, only = step.relation, step.payload.get("only")
    at = shop.started or shop.clock.now()
    if only is None:
        return history(asked, stage, target, config, at, connection, shop.dialect, send)
    there = None if only == "first" else connection.columns(target)
    if only == "rows":
        of, _ = compare(asked, stage, target, connection.columns(stage), there, at, connection.describe, shop.dialect)
        return _write(of, shop.dialect, send)
    of = _compared(asked, stage, target, there, at, connection, shop.dialect, send)
    send(shop.dialect.drop(Existing(of.changes, "table")))
    if only == "first":
        return _first(of, of.changes, config, shop.dialect, send)
    send(shop.dialect.create_table(of.changes, shop.dialect.history_changes(of), {}))
    return None


def history(
    asked: History,
    stage: Relation,
    target: Relation,
    config: Mapping[str, Any],
    at: datetime,
    connection: Connection,
    dialect: Dialect,
    send: Send,
) -> Written:
    """Create or change the table ``target``, inside the transaction that is open; ``at`` is the instant that unsaid times mean.

    Raises:
        ExecuteError: X350 keys of the query, X351 keys of the table, X352 columns that are not there, X353 types, X354 not a
            snapshot's table, X355 names taken twice, X356 rows without a moment.
    """
    there = connection.columns(target) if send(dialect.exists(target)).rows[0][0] else None
    of = _compared(asked, stage, target, there, at, connection, dialect, send)
    if there is None:
        return _first(of, target, config, dialect, send)
    send(dialect.create_table(of.changes, dialect.history_changes(of), {}))
    done = _write(of, dialect, send)
    send(dialect.drop(Existing(of.changes, "table")))
    return done


def _compared(
    asked: History,
    stage: Relation,
    target: Relation,
    there: Columns | None,
    at: datetime,
    connection: Connection,
    dialect: Dialect,
    send: Send,
) -> Comparison:
    """Stage and table put together, the table made to fit, and nothing found that would spoil it."""
    of, alter = compare(asked, stage, target, connection.columns(stage), there, at, connection.describe, dialect)
    for sql in alter:
        send(sql)
    _refuse(send(dialect.history_faults(of, there is not None)).rows, target)
    return of


def _first(of: Comparison, place: Relation, config: Mapping[str, Any], dialect: Dialect, send: Send) -> Written:
    """A new table, every row of the stage current in it."""
    send(dialect.create_table(place, dialect.history_first(of), dict(config)))
    for sql in dialect.finish(place, config):
        send(sql)
    return Written(int(send(f"select count(*) from {dialect.relation(place)}").rows[0][0]), new=True)


def _write(of: Comparison, dialect: Dialect, send: Send) -> Written:
    """End the versions that are over and add the new ones."""
    counts = Counter({str(change): int(n) for change, n in send(dialect.history_counts(of)).rows})
    ended, rows = counts.total() - counts["new"], counts.total() - counts["gone"]
    if ended:
        closed = send(dialect.history_close(of)).affected
        if closed is not None and closed != ended:
            message = (
                f"{closed} versions in `{of.target}` would end instead of {ended}: its `{of.meta.dbt_scd_id}` does not tell them apart"
            )
            raise ExecuteError(Problem("X351", message, None, "give each current row one of its own, or use columns as `unique_key`"))
    if rows:
        send(dialect.history_open(of))
    return Written(rows, ended)


def compare(
    asked: History,
    stage: Relation,
    target: Relation,
    staged: Columns,
    there: Columns | None,
    at: datetime,
    describe: Callable[[str], Columns],
    dialect: Dialect,
) -> tuple[Comparison, tuple[str, ...]]:
    """Config, stage and table (``None``: there is none yet) put together, and the statements that make the table fit first."""
    new = dict(staged)
    meta, missing = _meta(asked, there, dialect)
    taken = [name for name in new if name.casefold() in {m.casefold() for m in astuple(meta)}]
    if taken:
        message = f"the query returns `{taken[0]}`, which is a column that the snapshot adds"
        raise ExecuteError(Problem("X355", message, None, "leave it out of the query, or set `snapshot_meta_column_names`"))
    stamped = meta.dbt_updated_at not in missing
    deleting = asked.hard_deletes == "new_record"
    marked = deleting if there is None else deleting or meta.dbt_is_deleted not in missing
    pairs = tuple(Pair(name, _held_name(name, there, new), type_) for name, type_ in staged)
    old = {pair.new: pair.old for pair in pairs}
    keys = tuple(_expression(k, "unique_key", new, dialect) for k in asked.keys)
    joined = tuple(_plain(k, new, dialect) for k in asked.keys)
    held_keys = tuple(dialect.quote(old[j]) if j else k for j, k in zip(joined, keys, strict=True))
    updated = _expression(asked.updated_at, "updated_at", new, dialect) if asked.updated_at else None
    moment = _moment(stage, target, updated, meta, there, describe, dialect)
    now = dialect.instant(at, moment)
    if asked.strategy == "check":
        updated = now if updated is None else updated if now is None else f"coalesce(cast({updated} as {moment}), {now})"
    if now is None and (asked.hard_deletes != "ignore" or updated is None):
        message = f"`updated_at` is of the type {moment}, which cannot say when a row was found to be gone"
        raise ExecuteError(Problem("X353", message, None, "cast it to a timestamp in the query"))
    checked = _checked(asked, pairs, new, dialect) if asked.strategy == "check" else None
    of = Comparison(
        stage, target, target.changes, pairs, keys, held_keys, tuple(old[j] if j else None for j in joined), str(updated), moment, now,
        checked, asked.hard_deletes, asked.current, meta, stamped, marked,
    )  # fmt: skip
    if there is None:
        return of, ()
    alter = _alter(of, there, target, dialect)
    if marked and meta.dbt_is_deleted in missing:
        text = next((t for n, t in there if n.casefold() == meta.dbt_scd_id.casefold()), "text")
        alter += (*dialect.add_columns(target, [(meta.dbt_is_deleted, text)]), dialect.history_mark(of))
    return of, alter


def _meta(asked: History, there: Columns | None, dialect: Dialect) -> tuple[Meta, frozenset[str]]:
    """The added columns as the table spells them, and those it does not have."""
    wanted = {k: dialect.fold(getattr(asked.meta, k)) for k in META}
    if there is None:
        return Meta(**wanted), frozenset()
    spelled = {name.casefold(): name for name, _ in there} | {name: name for name, _ in there}
    found = {k: spelled.get(name) or spelled.get(name.casefold()) for k, name in wanted.items()}
    lacking = [wanted[k] for k in ("dbt_scd_id", "dbt_valid_from", "dbt_valid_to") if found[k] is None]
    if lacking:
        message = f"the table that is there lacks {_named(lacking)}: it was not made by this snapshot as it is configured now"
        hint = "give the snapshot another `alias`, set `snapshot_meta_column_names` to the names it has, or rename its columns"
        raise ExecuteError(Problem("X354", message, None, hint))
    missing = frozenset(wanted[k] for k in META if found[k] is None)
    return Meta(**{k: found[k] or wanted[k] for k in META}), missing


def _held_name(name: str, there: Columns | None, new: Mapping[str, str]) -> str:
    """How the table spells a column of the query: the same, or differing in case only if nothing else is meant."""
    names = [n for n, _ in there or ()]
    return name if name in names else next((n for n in names if n.casefold() == name.casefold() and n not in new), name)


def _plain(text: str, columns: Mapping[str, str], dialect: Dialect) -> str | None:
    """The column that a config value names, ``None`` when it is SQL of another kind."""
    quote = dialect.quote_char
    if len(text) > 2 and text[0] == text[-1] == quote and quote not in text[1:-1] and text[1:-1] in columns:
        return text[1:-1]
    for name in (dialect.fold(text), text):
        if name in columns:
            return name
    return next((c for c in columns if c.casefold() == text.casefold()), None)


def _expression(text: str, key: str, columns: Mapping[str, str], dialect: Dialect) -> str:
    """A config value as SQL over the stage."""
    plain = _plain(text, columns, dialect)
    if plain is None and word(text):
        message = f"`{key}` names `{text}`, which is no column of the query"
        raise ExecuteError(Problem("X352", message, None, did_you_mean(text, columns) or f"its columns are {_named(columns)}"))
    return dialect.quote(plain) if plain is not None else text


def _checked(asked: History, pairs: tuple[Pair, ...], columns: Mapping[str, str], dialect: Dialect) -> tuple[Pair, ...]:
    if asked.check_cols is None:
        return pairs
    found = [_plain(c, columns, dialect) for c in asked.check_cols]
    for name, column in zip(asked.check_cols, found, strict=True):
        if column is None:
            message = f"`check_cols` names `{name}`, which is no column of the query"
            raise ExecuteError(Problem("X352", message, None, did_you_mean(name, columns) or f"its columns are {_named(columns)}"))
    return tuple(p for p in pairs if p.new in found)


def _moment(
    stage: Relation,
    target: Relation,
    updated: str | None,
    meta: Meta,
    there: Columns | None,
    describe: Callable[[str], Columns],
    dialect: Dialect,
) -> str:
    """The type in which the history's times are: the table's own, else that of ``updated_at``, else a timestamp."""
    held = next((t for n, t in there or () if n == meta.dbt_valid_from), None)
    if updated is None:
        return held or "timestamp"
    said = describe(f"select {updated} as updated_at from {dialect.relation(stage)}")[0][1]
    if held is None:
        return said
    kinds = dialect.clock_kind(said), dialect.clock_kind(held)
    if (kinds[0] != kinds[1] and kinds != ("date", "plain")) or (kinds == (None, None) and dialect.fits(held, said) == "other"):
        message = f"`updated_at` is of the type {said}, the times in `{target}` are of the type {held}"
        raise ExecuteError(Problem("X353", message, None, f"cast it in the query: cast(… as {held})"))
    return held


def _alter(of: Comparison, there: Columns, target: Relation, dialect: Dialect) -> tuple[str, ...]:
    """Columns that are new are added; texts that became longer may be; any other change of type is refused."""
    held = dict(there)
    added = [(p.old, p.type_) for p in of.columns if p.old not in held]
    known = [(p, dialect.fits(held[p.old], p.type_)) for p in of.columns if p.old in held and NOTHING not in (p.type_, held[p.old])]
    retyped = [f"{p.old} ({held[p.old]} → {p.type_})" for p, fit in known if fit == "other"]
    if retyped:
        message = f"the columns of `{target}` would change their types: {', '.join(retyped)}"
        raise ExecuteError(Problem("X353", message, None, "cast them in the query to the type they had, or give them another name"))
    gone = [j for j in of.joined if j is not None and j not in held]
    if gone:
        message = f"`unique_key` names {_named(gone)}, which the rows in `{target}` do not have"
        raise ExecuteError(Problem("X352", message, None, "a history keeps its key: start another snapshot for another key"))
    wider = tuple(dialect.widen(target, p.old, p.type_) for p, fit in known if fit == "wider")
    return (*(dialect.add_columns(target, added) if added else ()), *wider)


_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "nameless": ("X350", "{n} of the query's rows {have} a null in the key", "leave them out, or coalesce the null"),
    "repeated": ("X350", "the query returns more than one row for {n} {keys}", "keep one row for each `unique_key`"),
    "timeless": ("X356", "`updated_at` is null in {n} of the query's rows", "coalesce it with another time"),
    "forked": ("X351", "`{target}` has more than one current row for {n} {keys}", "end or delete all but one of them"),
}


def _refuse(found: Iterable[Sequence[Any]], target: Relation) -> None:
    """Raise for what would make the history wrong; nothing was changed yet."""
    problems = []
    for what, n, example in sorted(found, key=lambda row: list(_SENTENCES).index(str(row[0]))):
        code, sentence, hint = _SENTENCES[str(what)]
        words = {"n": n, "have": "has" if n == 1 else "have", "keys": "key" if n == 1 else "keys", "target": target}
        problems.append(Problem(code, f"{sentence.format(**words)} (for example: {example})", None, hint))
    if problems:
        raise ExecuteError(*problems)


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)
