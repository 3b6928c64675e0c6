"""What artifacts say about the invocation that wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.names import Relation
from orchestrator.core.node import Node

DBT_VERSION = "1.11.16"
"""The dbt-core whose artifacts ours are shaped like: readers choose their parser by it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The invocation, and the texts that only a plan knows.

    ``compiled`` is each node's own query as it was (or would be) sent, ``sent`` the whole statements. ``quoted`` writes a
    relation in the engine's quoting. ``kept`` are the relations that keep the rows which fail a test.
    ``macros`` are the texts of macros by id, for those who compare.
    ``env`` are variables to pass on to readers (dbt: those named ``DBT_ENV_CUSTOM_ENV_…``).
    """

    invocation: str
    generated: datetime
    started: datetime
    adapter: str
    version: str = ""
    target_path: str = "target"
    quoted: Callable[[Relation], str] = str
    compiled: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Relation] = field(default_factory=dict)
    macros: Mapping[str, str] = field(default_factory=dict)

    def relation_name(self, node: Node) -> str | None:
        """Where the data of a node are, or the rows that fail a test; quoted."""
        relation = node.relation if node.has_data else self.kept.get(node.id)
        return self.quoted(relation) if relation else None

    def metadata(self, schema: str) -> dict[str, Any]:
        """The ``metadata`` every artifact begins with. ``schema`` is the artifact's name and version (``manifest/v12``)."""
        return {
            "dbt_schema_version": f"https://schemas.getdbt.com/dbt/{schema}.json",
            "dbt_version": DBT_VERSION,
            "generated_at": instant(self.generated),
            "invocation_id": self.invocation,
            "invocation_started_at": instant(self.started),
            "env": dict(self.env),
        }


def instant(at: datetime) -> str:
    """A time as artifacts write it.

    >>> instant(datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    '2026-01-02T03:04:00.000000Z'
    """
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
