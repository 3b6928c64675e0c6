"""What a dialect says about contracts: tables whose columns and constraints are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from orchestrator.core.contract import Contract, Support
from orchestrator.core.names import Relation


class Declaring(Protocol):
    """The part of a dialect that makes tables as a contract says."""

    @property
    def constraint_support(self) -> Mapping[str, Support]:
        """What the engine does about each kind of constraint."""
        ...

    def declared_type(self, written: str) -> str:
        """The engine's name for a type that a contract declares (``alias_types``)."""
        ...

    def declared_name(self, written: str, *, quoted: bool) -> str:
        """What a column is really called that a contract declares as ``written``."""
        ...

    def same_name(self, one: str, other: str) -> bool:
        """Whether the engine takes two names for one column's."""
        ...

    def same_type(self, declared: str, actual: str) -> bool:
        """Whether a query's column may go into a contract's; both types are in the engine's own words."""
        ...

    def create_declared(self, relation: Relation, contract: Contract, config: Mapping[str, Any], *, constrained: bool = True) -> str:
        """Create (or replace) an empty table with a contract's columns, and its constraints when ``constrained``."""
        ...

    def insert_query(self, relation: Relation, columns: tuple[str, ...], select: str) -> str:
        """Fill a table from a query, columns matched by name; the query's text appears unchanged."""
        ...

    def constrain(self, relation: Relation, contract: Contract) -> tuple[str, ...]:
        """What is left to do about constraints when the rows are there."""
        ...
