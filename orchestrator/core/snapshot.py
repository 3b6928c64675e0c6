"""What a warehouse holds, as seen once before planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from orchestrator.core.interval import Interval
from orchestrator.core.names import Relation

RelationKind = Literal["table", "view", "materialized_view", "external"]

LEASE_SECONDS = 60
"""How long a run that says nothing keeps its leases."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A relation that is there: what it is, its columns as ``(name, type)`` in order, and the names of a materialized view's indexes.

    ``layout`` says how the engine keeps its rows apart (partitions, clusters), in words that are equal for equal layouts.
    ``settings`` are the options of a materialized view, in the engine's words.
    """

    relation: Relation
    kind: RelationKind
    columns: tuple[tuple[str, str], ...] = ()
    layout: str = ""
    indexes: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A ledger row: what was made visible, when, by which run, from which code.

    ``made`` is the text of a :class:`~orchestrator.core.freshness.Made`: the versions of what it was made from, and of what it is.
    """

    node: str
    relation: str
    fingerprint: str
    run: str
    at: str
    rows: int | None = None
    made: str | None = None


def recorded(node: str, environment: str = "") -> str:
    """What the ledger calls a node: in an environment of its own it has a row of its own. No id has a slash in it.

    >>> recorded("model.shop.orders"), recorded("model.shop.orders", "pr_482")
    ('model.shop.orders', 'pr_482/model.shop.orders')
    """
    return f"{environment}/{node}" if environment else node


def recorded_in(name: str) -> tuple[str, str]:
    """The environment and the node of what the ledger calls a node; the environment is empty in production.

    >>> recorded_in("pr_482/model.shop.orders"), recorded_in("model.shop.orders")
    (('pr_482', 'model.shop.orders'), ('', 'model.shop.orders'))
    """
    environment, _, node = name.rpartition("/")
    return environment, node


def marked(fingerprint: str, sample: float | None) -> str:
    """A fingerprint as the ledger has it: that of a sample is no other build's.

    >>> marked("c0ffee", None), marked("c0ffee", 0.01)
    ('c0ffee', 'sample 0.01: c0ffee')
    """
    return fingerprint if sample is None else f"sample {sample:g}: {fingerprint}"


def share_of(fingerprint: str) -> float | None:
    """The share of what was built from a sample; ``None`` for the real thing.

    >>> share_of("sample 0.01: c0ffee"), share_of("c0ffee")
    (0.01, None)
    """
    word, _, rest = fingerprint.partition(" ")
    return float(rest.partition(":")[0]) if word == "sample" else None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to build a relation now. ``fence`` rises with every change of hands: what was built under an older one is not published."""

    relation: Relation
    run: str
    fence: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A row of the interval ledger: for which event times (as :func:`~orchestrator.core.interval.spelled`) a table has its rows.

    ``start`` and ``end`` are what is *complete*: the batch of a day that is not over ends when it was built.
    """

    node: str
    relation: str
    start: str
    end: str
    fingerprint: str
    run: str
    at: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Relations by :attr:`Relation.key`, existing schemas (folded), the ledger by node id, and by the text of a relation
    the event times it is complete for. ``server`` is the engine's major version where statements depend on it, else 0. ``narrow`` says
    that the ledger that is there was made by an older version: it lacks columns.
    """

    relations: Mapping[tuple[str, str, str], Existing] = field(default_factory=dict)
    schemas: frozenset[tuple[str, str]] = frozenset()
    ledger: Mapping[str, Published] = field(default_factory=dict)
    intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    server: int = 0
    narrow: bool = False

    def find(self, relation: Relation) -> Existing | None:
        """The relation as it exists now, or ``None``."""
        return self.relations.get(relation.key)

    def within(self, environment: str) -> Snapshot:
        """The same, the ledger limited to one environment (empty: production), by node ids."""
        mine = {node: row for name, row in self.ledger.items() for there, node in [recorded_in(name)] if there == environment}
        return replace(self, ledger=mine)


@dataclass(frozen=True, slots=True)
class Described:
    """A relation as the engine's own catalog describes it, for documentation.

    ``columns`` are ``(name, type, comment)`` in order.
    """

    relation: Relation
    kind: RelationKind
    columns: tuple[tuple[str, str, str | None], ...]
    comment: str | None = None
    owner: str | None = None
