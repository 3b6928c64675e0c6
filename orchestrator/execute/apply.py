"""Applying a staged delta: what its columns and the table's columns mean for the statements to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.ports import Dialect

Columns = Sequence[tuple[str, str]]

NOTHING = '"NULL"'
"""What DuckDB says of a column that holds nothing but null literals: it goes into a column of any type."""


def apply(
    stage: Relation, target: Relation, staged: Columns, there: Columns, payload: Mapping[str, Any], dialect: Dialect
) -> tuple[str, ...]:
    """Statements that bring ``target`` up to date with its delta, columns first; only one of both where ``payload["only"]`` says so.

    Raises:
        ExecuteError: X310, the columns changed in a way ``on_schema_change`` does not allow; X311, there is no such key.
    """
    policy = str(payload["on_schema_change"])
    old = {name.casefold(): (name, kind) for name, kind in there}
    new = {name.casefold(): (name, kind) for name, kind in staged}
    added = [new[k] for k in new if k not in old]
    removed = [old[k][0] for k in old if k not in new]
    retyped = [(old[k][0], old[k][1], new[k][1]) for k in new if k in old and new[k][1] not in (old[k][1], NOTHING)]
    _refuse(policy, target, added, removed, retyped)
    adds = policy not in ("ignore", "fail")
    names = [name for name, _ in staged if adds or name.casefold() in old]
    if not names:
        raise ExecuteError(Problem("X310", f"the new rows have no column in common with `{target}`", None, _HINT))
    if payload["strategy"] not in _KEYLESS:
        _known(payload["unique_key"], new, {**old, **(new if adds else {})}, target)
    alter = dialect.add_columns(target, added) if adds and added else ()
    if policy == "sync_all_columns":
        shown = f"alter table {dialect.relation(target)}"
        alter = (
            *alter,
            *(f"{shown} drop column {dialect.quote(name)}" for name in removed),
            *(f"{shown} alter column {dialect.quote(name)} set data type {kind}" for name, _, kind in retyped),
        )
    delta = dialect.apply_delta(str(payload["strategy"]), stage, target, names, list(payload["unique_key"]), dict(payload["options"]))
    only = payload.get("only")
    return (*(alter if only != "rows" else ()), *(delta if only != "columns" else ()))


_KEYLESS = ("append", "insert_overwrite")
"""Strategies that look for no key."""


def _known(keys: Sequence[str], new: Mapping[str, Any], there: Mapping[str, Any], target: Relation) -> None:
    """Look keys up before the engine does: it would speak of names that the author never wrote."""
    for key in keys:
        bare = key.strip().strip('"`').casefold()
        where = "the query" if bare not in new else f"`{target}`" if bare not in there else None
        if where:
            known = [name for name, _ in (new if bare not in new else there).values()]
            message = f"`unique_key` names `{key}`, which is no column of {where}"
            raise ExecuteError(Problem("X311", message, None, did_you_mean(key, known, also=f"its columns are {', '.join(known)}")))


_HINT = "run with --full-refresh to rebuild it, or choose an on_schema_change: ignore, append_new_columns, sync_all_columns"


def _refuse(policy: str, target: Relation, added: Columns, removed: Sequence[str], retyped: Sequence[tuple[str, str, str]]) -> None:
    """What each policy does not put up with. ``append_or_fail`` is ours: only a new column is something nobody loses by."""
    wrong: list[str] = []
    if policy == "fail" and added:
        wrong.append("new: " + ", ".join(name for name, _ in added))
    if policy in ("fail", "append_or_fail") and removed:
        wrong.append("removed: " + ", ".join(removed))
    if policy in ("fail", "append_or_fail") and retyped:
        wrong.append("retyped: " + ", ".join(f"{name} ({before} → {after})" for name, before, after in retyped))
    if wrong:
        raise ExecuteError(Problem("X310", f"the columns of `{target}` changed ({'; '.join(wrong)})", None, _HINT))
