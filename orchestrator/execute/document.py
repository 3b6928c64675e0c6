"""Descriptions of columns, as comments of the relation that was just made."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.names import Relation
from orchestrator.core.plan import Documents
from orchestrator.core.ports import Dialect


def document(wanted: Documents, relation: Relation, there: Sequence[tuple[str, str]], dialect: Dialect) -> tuple[str, ...]:
    """Statements that persist descriptions of the columns that are there, whatever case their author wrote them in."""
    exact = {name for name, _ in there}
    folded = {name.casefold(): name for name in reversed([name for name, _ in there])}
    found: dict[str, str] = {}
    for written, text in wanted.columns.items():
        name = written if written in exact else folded.get(written.casefold())
        if name is not None and (name == written or name not in wanted.columns):
            found[name] = text
    return dialect.comment(relation, wanted.kind, None, found) if found else ()
