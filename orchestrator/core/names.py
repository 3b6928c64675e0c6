"""Names of things in a warehouse."""

from __future__ import annotations

from dataclasses import dataclass, replace

STAGE_SUFFIX = "__orc_stage"
CTE_PREFIX = "__dbt__cte__"


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
        """Where the next version is built and checked before readers see it."""
        return replace(self, name=self.name + STAGE_SUFFIX)

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for two relations an engine may confuse (case is folded)."""
        return ((self.database or "").casefold(), (self.schema or "").casefold(), self.name.casefold())

    def __str__(self) -> str:
        return ".".join(part for part in (self.database, self.schema, self.name) if part)
