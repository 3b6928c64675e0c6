"""Names of things in a warehouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

STAGE_SUFFIX = "__orc_stage"
ASIDE_SUFFIX = "__orc_aside"
CHANGES_SUFFIX = "__orc_delta"
CTE_PREFIX = "__dbt__cte__"

LONGEST = 63
"""Bytes that every engine allows a name to have (Postgres cuts off the rest without a word)."""


def shortened(name: str, limit: int = LONGEST) -> str:
    """A name of at most ``limit`` bytes of UTF-8: a longer one keeps its beginning and gets a digest of the whole, the same every time.

    >>> shortened("orders"), shortened("x" * 70, 20)
    ('orders', 'xxxxxxxxxxx_c71bd109')
    """
    encoded = name.encode()
    if len(encoded) <= limit:
        return name
    return f"{encoded[: limit - 9].decode(errors='ignore')}_{sha256(encoded).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view where it physically is. Quoting is the dialect's business.

    >>> str(Relation("warehouse", "staging", "orders"))
    'warehouse.staging.orders'
    """

    database: str | None
    schema: str | None
    name: str

    @property
    def stage(self) -> Relation:
        """Where the next version is built and checked before readers see it; a long name is shortened to fit every engine.

        >>> Relation(None, None, "x" * 63).stage.name[-22:]
        'xx_75220b47__orc_stage'
        """
        return replace(self, name=shortened(self.name, LONGEST - len(STAGE_SUFFIX)) + STAGE_SUFFIX)

    @property
    def aside(self) -> Relation:
        """Where rows wait that are not known to be what the stage wants; gone when the stage is filled."""
        return replace(self, name=shortened(self.name, LONGEST - len(ASIDE_SUFFIX)) + ASIDE_SUFFIX)

    @property
    def changes(self) -> Relation:
        """Where a snapshot works out what changed, before it writes any of it."""
        return replace(self, name=shortened(self.name, LONGEST - len(CHANGES_SUFFIX)) + CHANGES_SUFFIX)

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for two relations an engine may confuse (case is folded)."""
        return ((self.database or "").casefold(), (self.schema or "").casefold(), self.name.casefold())

    def __str__(self) -> str:
        return ".".join(part for part in (self.database, self.schema, self.name) if part)
