"""What a publish asks of the catalog, as functions that live beside the ledger: one round trip, planned once for each session.

Their texts are the files in ``sql/``, where ``{schema}`` stands for the ledger's schema and ``{swap}`` for the name of the function in
``swap.sql``. Names end in a digest of all the texts, so that two versions of orc never replace each other's functions. All names
inside are qualified: nothing that a session's ``search_path`` finds can stand in for them.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

FENCED = "ORC02"
"""SQLSTATE of a publish whose lease was taken over."""

REFUSED = "ORC01"
"""SQLSTATE of our own refusals: something depends on what would be replaced, and cannot be made again."""

ORDER = (
    "lacks",
    "ours",
    "obstacles",
    "dependents",
    "regrant",
    "traits",
    "tail",
    "options",
    "drop",
    "settle",
    "swap",
    "in_place",
    "refresh",
    "claim",
    "giveback",
    "grant",
)
"""All functions; the last one is there when all are."""


def named(function: str) -> str:
    """A function's name in the ledger's schema.

    >>> named("swap").startswith("swap_")
    True
    """
    if function not in ORDER:
        raise KeyError(function)
    return f"{function}_{_digest()}"


def functions(schema: str) -> str:
    """Statements that create all functions in a (quoted) schema, in one text."""
    text = "".join(_texts())
    for name, value in {"schema": schema, "refused": REFUSED, "fenced": FENCED, **{f: named(f) for f in ORDER}}.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@cache
def _digest() -> str:
    return sha256("".join(_texts()).encode()).hexdigest()[:8]


@cache
def _texts() -> tuple[str, ...]:
    folder = Path(__file__).with_name("sql")
    return tuple((folder / f"{name}.sql").read_text(encoding="utf-8") for name in ORDER)
