"""What a snapshot is told to do: how rows are told apart, what counts as a change, and what becomes of rows that are gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from orchestrator.core.config import listed
from orchestrator.core.errors import did_you_mean
from orchestrator.core.names import Relation

HardDeletes = Literal["ignore", "invalidate", "new_record"]
STRATEGIES = ("timestamp", "check")
HARD_DELETES = ("ignore", "invalidate", "new_record")
KEYS = frozenset(
    {
        "strategy",
        "updated_at",
        "check_cols",
        "hard_deletes",
        "invalidate_hard_deletes",
        "dbt_valid_to_current",
        "snapshot_meta_column_names",
    }
)
"""Config that only snapshots have."""

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Meta:
    """The names of the columns that a snapshot adds to its query's."""

    dbt_scd_id: str = "dbt_scd_id"
    dbt_updated_at: str = "dbt_updated_at"
    dbt_valid_from: str = "dbt_valid_from"
    dbt_valid_to: str = "dbt_valid_to"
    dbt_is_deleted: str = "dbt_is_deleted"


META = tuple(f.name for f in fields(Meta))


@dataclass(frozen=True, slots=True)
class History:
    """A snapshot's config. ``keys`` and ``updated_at`` are columns of its query, or SQL over them; ``check_cols`` is ``None`` for all.

    ``current`` is the SQL that ``dbt_valid_to`` of current rows says instead of null.
    """

    strategy: str
    keys: tuple[str, ...]
    updated_at: str | None = None
    check_cols: tuple[str, ...] | None = None
    hard_deletes: HardDeletes = "ignore"
    current: str | None = None
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the query: how the stage spells it, and how the table does."""

    new: str
    old: str
    type_: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A snapshot's config, its stage and its table put together: all that the statements of one run are made of.

    ``keys`` are SQL over the stage, ``held_keys`` the same over the table; ``joined`` are the table's columns that keys are, ``None``
    for a key that is an expression. ``updated`` is SQL over the stage, of the type ``moment``; ``now`` is the run's instant as a value
    of that type (``None`` if it has none such). ``checked`` are the columns whose change counts (``None``: only ``updated`` does).
    ``stamped`` and ``marked`` say whether the table has the columns ``dbt_updated_at`` and ``dbt_is_deleted``.
    """

    stage: Relation
    target: Relation
    changes: Relation
    columns: tuple[Pair, ...]
    keys: tuple[str, ...]
    held_keys: tuple[str, ...]
    joined: tuple[str | None, ...]
    updated: str
    moment: str
    now: str | None
    checked: tuple[Pair, ...] | None
    hard_deletes: HardDeletes
    current: str | None
    meta: Meta
    stamped: bool = True
    marked: bool = False


def history(config: Mapping[str, Any]) -> History:
    """A snapshot's config, read; for one without :func:`faults`.

    >>> history({"strategy": "check", "unique_key": "id", "check_cols": "all", "invalidate_hard_deletes": True}).hard_deletes
    'invalidate'
    """
    check = config.get("check_cols")
    named: Mapping[str, Any] = config.get("snapshot_meta_column_names") or {}
    deletes: HardDeletes = config.get("hard_deletes") or ("invalidate" if config.get("invalidate_hard_deletes") else "ignore")
    current = config.get("dbt_valid_to_current")
    return History(
        str(config["strategy"]),
        tuple(str(k) for k in listed(config["unique_key"])),
        str(config["updated_at"]) if config.get("updated_at") else None,
        None if check is None or check == "all" else tuple(str(c) for c in listed(check)),
        deletes,
        str(current) if current else None,
        Meta(**{k: str(v) for k, v in named.items() if v}),
    )


def faults(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with a snapshot's config: the key, what is wrong with it, and a hint.

    >>> [message for _, message, _ in faults({"strategy": "check", "unique_key": "id"})]
    ['the strategy `check` needs `check_cols`']
    """
    strategy, key, check, deletes = (config.get(k) for k in ("strategy", "unique_key", "check_cols", "hard_deletes"))
    if not strategy:
        yield "strategy", "a snapshot needs a `strategy`", "`timestamp` (with `updated_at`) or `check` (with `check_cols`)"
    elif strategy not in STRATEGIES:
        hint = did_you_mean(str(strategy), STRATEGIES, also="there is `timestamp` and `check`")
        yield "strategy", f"there is no snapshot strategy `{strategy}`", hint
    if not listed(key) or not all(isinstance(k, str) and k.strip() for k in listed(key)):
        yield "unique_key", "a snapshot needs a `unique_key`: a column, or a list of columns, that tells rows apart", "unique_key: id"
    if strategy == "timestamp" and not config.get("updated_at"):
        yield "updated_at", "the strategy `timestamp` needs `updated_at`: the column that says when a row changed", "updated_at: updated_at"
    if strategy == "timestamp" and check:
        yield "check_cols", "the strategy `timestamp` does not look at `check_cols`", "leave them out, or use `strategy: check`"
    if strategy == "check" and not check:
        yield "check_cols", "the strategy `check` needs `check_cols`", "check_cols: all, or a list of columns"
    elif isinstance(check, str) and check != "all" and strategy == "check":
        yield "check_cols", f"`check_cols: {check}` is neither `all` nor a list of columns", f"check_cols: [{check}]"
    if deletes is not None and deletes not in HARD_DELETES:
        hint = did_you_mean(str(deletes), HARD_DELETES, also="there is `ignore`, `invalidate` and `new_record`")
        yield "hard_deletes", f"`hard_deletes: {deletes}` is nothing a snapshot can do about rows that are gone", hint
    if deletes is not None and config.get("invalidate_hard_deletes") is not None:
        yield "invalidate_hard_deletes", "`hard_deletes` and `invalidate_hard_deletes` are two words for one thing", "keep `hard_deletes`"
    yield from _names(config.get("snapshot_meta_column_names"))
    if config.get("materialized", "snapshot") != "snapshot":
        yield "materialized", f"a snapshot is not materialized as `{config['materialized']}`", "leave `materialized` out"


def _names(named: Any) -> Iterator[tuple[str, str, str | None]]:
    where = "snapshot_meta_column_names"
    if named is None:
        return
    if not isinstance(named, Mapping):
        yield where, f"`{where}` is a mapping of dbt's column names to yours", "{dbt_valid_to: valid_to}"
        return
    for key in named:
        if key not in META:
            yield where, f"`{key}` is no column that a snapshot adds", did_you_mean(str(key), META, also=f"these are {', '.join(META)}")
    known = {k: str(named.get(k) or k).casefold() for k in META}
    if len(set(known.values())) < len(META):
        yield where, f"`{where}` gives one name to two columns", None


def added(asked: History, columns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The columns ``(name, type)`` that a snapshot adds to its query's, in order, as far as that can be said before it is built.

    >>> [name for name, _ in added(History("check", ("id",), hard_deletes="new_record"), [("id", "integer")])][3:]
    ['dbt_valid_to', 'dbt_is_deleted']
    """
    said = {name.casefold(): type_ for name, type_ in columns}
    moment, meta = said.get((asked.updated_at or "").casefold(), "timestamp"), asked.meta
    times = ((name, moment) for name in (meta.dbt_updated_at, meta.dbt_valid_from, meta.dbt_valid_to))
    marked = ((meta.dbt_is_deleted, "text"),) if asked.hard_deletes == "new_record" else ()
    return ((meta.dbt_scd_id, "text"), *times, *marked)


def word(text: str) -> bool:
    """Whether a key, ``updated_at`` or ``check_cols`` names a column; otherwise it is SQL.

    >>> word("id"), word("id || '-' || name")
    (True, False)
    """
    return _WORD.fullmatch(text.strip()) is not None
