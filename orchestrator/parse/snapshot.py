"""What can be said about a snapshot before anything is built: its config, and whether its query has the columns that config names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.declaration import Rendered
from orchestrator.core.errors import Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.history import faults, history, word
from orchestrator.core.node import SqlBody

_PADDING = re.compile(r"\A\{#\s*#\}")


def snapshot(item: Rendered, config: Mapping[str, Any], body: SqlBody | None) -> Iterator[Problem]:
    """Everything that is wrong with a snapshot's config, at the place where the key is written if that is in its file."""
    wrong = list(faults(config))
    for key, message, hint in wrong:
        yield Problem("P050", f"snapshot `{item.declaration.name}`: {message}", _at(item, key), hint, node=item.declaration.name)
    if wrong or body is None or body.late or body.query.columns is None:
        return
    known = {c.casefold() for c in body.query.columns}
    asked = history(config)
    named = [("unique_key", k) for k in asked.keys] + [("check_cols", c) for c in asked.check_cols or ()]
    for key, name in [*named, *([("updated_at", asked.updated_at)] if asked.updated_at else [])]:
        if word(name) and name.casefold() not in known:
            message = f"snapshot `{item.declaration.name}`: `{key}` names `{name}`, which is no column of its query"
            hint = did_you_mean(name, body.query.columns, also=f"its columns are {', '.join(body.query.columns)}")
            yield Problem("P051", message, _at(item, key), hint, node=item.declaration.name)


def own_text(raw: str) -> str:
    """A snapshot's text without the comment that keeps its place in the file.

    >>> own_text("{#   #}select 1 ")
    'select 1'
    """
    return _PADDING.sub("", raw).strip()


def _at(item: Rendered, key: str) -> Span:
    """Where the snapshot's file sets a key; else where the snapshot is declared."""
    found = re.search(rf"\b{key.replace('_', '[-_]')}\b", item.raw) if key in item.config else None
    if found is None:
        return item.declaration.span
    at = found.start()
    return Span(item.declaration.path, item.raw.count("\n", 0, at) + 1, at - item.raw.rfind("\n", 0, at), len(key))
