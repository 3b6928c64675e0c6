"""Contracts: the columns a model promises, their types, and the constraints its table is created with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from orchestrator.core import marker
from orchestrator.core.config import listed
from orchestrator.core.files import Span, digest
from orchestrator.core.node import Column

ConstraintKind = Literal["not_null", "unique", "primary_key", "foreign_key", "check", "custom"]
KINDS: tuple[str, ...] = get_args(ConstraintKind)

Support = Literal["enforced", "not_enforced", "not_supported"]
"""What an engine does about a kind of constraint: refuses rows, keeps it as a remark only, does not know it."""

KEYS = frozenset({"type", "name", "expression", "columns", "to", "to_columns", "warn_unenforced", "warn_unsupported"})
"""What a constraint may say."""

_CALL = re.compile(r"\b(ref|source)\(\s*['\"]([^'\"]+)['\"]\s*(?:,\s*['\"]([^'\"]+)['\"]\s*)?\)")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint of a table. ``columns`` are physical names; ``inline`` says that it was written at its (one) column.

    ``to`` is the referenced relation as it is sent, ``expression`` the author's own words.
    """

    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    expression: str = ""
    name: str | None = None
    to: str | None = None
    to_columns: tuple[str, ...] = ()
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """What a model promises: columns ``(physical name, type)`` in order, and constraints. ``place`` is where the author wrote it."""

    columns: tuple[tuple[str, str], ...]
    constraints: tuple[Constraint, ...] = ()
    place: Span | None = None


def enforced(config: Mapping[str, Any]) -> bool:
    """Whether a model's configuration enforces its contract.

    >>> enforced({"contract": {"enforced": True}}), enforced({})
    (True, False)
    """
    contract = config.get("contract")
    return isinstance(contract, Mapping) and bool(contract.get("enforced"))


def written(config: Mapping[str, Any], columns: tuple[Column, ...]) -> Iterator[tuple[Mapping[str, Any], Column | None]]:
    """Every constraint as its author wrote it, with the column it stands at; those of the model come last."""
    for column in columns:
        yield from ((constraint, column) for constraint in column.constraints)
    yield from ((constraint, None) for constraint in listed(config.get("constraints")))


def promise(config: Mapping[str, Any], columns: tuple[Column, ...]) -> str | None:
    """A digest of what an enforced contract says, whatever the order it lists columns in; ``None`` without one."""
    if not enforced(config):
        return None
    said = sorted([c.name, str(c.data_type), c.quote, [dict(x) for x in c.constraints]] for c in columns)
    return digest(json.dumps([said, listed(config.get("constraints"))], default=str, sort_keys=True).encode())


def called(text: str) -> str | None:
    """The payload of a ``ref(...)`` or ``source(...)`` in a text; ``None`` when it is something else.

    >>> called("ref('orders')"), called("shop.orders")
    ('ref::orders:', None)
    """
    call = _CALL.search(text)
    if call is None:
        return None
    if call[1] == "source":
        return marker.source(call[2], call[3] or "")
    return marker.ref(call[3] or call[2], call[2] if call[3] else "")
