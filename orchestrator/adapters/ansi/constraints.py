"""Tables whose columns and constraints are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.contract import KINDS, Constraint, Contract, Support
from orchestrator.core.names import Relation

_SIZE = re.compile(r"\(\s*\d+\s*(?:,\s*-?\d+\s*)?\)")


class Constraints(Words):
    """What a contract becomes in SQL."""

    constraint_support: ClassVar[Mapping[str, Support]] = dict.fromkeys(KINDS, "enforced")
    type_aliases: ClassVar[Mapping[str, str]] = {}
    """Names of types that authors use everywhere, and what this engine calls them (``alias_types``)."""

    def declared_type(self, written: str) -> str:
        """The engine's name for a type that a contract declares."""
        return self.type_aliases.get(written.strip().casefold(), written)

    def declared_name(self, written: str, *, quoted: bool) -> str:  # noqa: ARG002  engines that fold names override
        """What a column is really called that a contract declares as ``written``."""
        return written

    def same_name(self, one: str, other: str) -> bool:
        """Whether the engine takes two names for one column's.

        >>> Constraints().same_name("Id", "id")
        True
        """
        return one.casefold() == other.casefold()

    def same_type(self, declared: str, actual: str) -> bool:
        """Whether a column of a query may go into a column of a contract: both are types in the engine's own words.

        Sizes do not count: the table has the declared one, and the engine refuses a value that does not fit.

        >>> Constraints().same_type("DECIMAL(10,2)", "decimal(18, 3)"), Constraints().same_type("bigint", "integer")
        (True, False)
        """
        return _bare(declared) == _bare(actual)

    def create_declared(self, relation: Relation, contract: Contract, config: Mapping[str, Any], *, constrained: bool = True) -> str:  # noqa: ARG002  engines that have options override
        """Create (or replace) an empty table with the contract's columns, and its constraints when ``constrained``."""
        return f"create or replace table {self.relation(relation)} {self.declarations(relation, contract, constrained=constrained)}"

    def constrain(self, relation: Relation, contract: Contract) -> tuple[str, ...]:  # noqa: ARG002  engines that do some of it later override
        """What is left to do about constraints when the rows are there."""
        return ()

    def insert_query(self, relation: Relation, columns: tuple[str, ...], select: str) -> str:
        """Fill a table from a query, columns matched by name; the query's text appears unchanged."""
        names = ", ".join(self.quote(c) for c in columns)
        return f"insert into {self.relation(relation)} ({names})\nselect {names}\nfrom (\n{select}\n) as orc_contract"

    def declarations(self, relation: Relation, contract: Contract, *, constrained: bool) -> str:
        """Columns and constraints between the parentheses of ``create table``."""
        kept = [c for c in contract.constraints if constrained and self.constraint_support[c.kind] != "not_supported"]
        lines = []
        for name, type_ in contract.columns:
            own = [self.constraint(relation, c) for c in kept if c.inline and c.columns == (name,)]
            lines.append(" ".join([self.quote(name), type_, *own]))
        lines += [self.constraint(relation, c) for c in kept if not c.inline]
        return "(\n  " + ",\n  ".join(lines) + "\n)"

    def constraint(self, relation: Relation, constraint: Constraint) -> str:
        """One constraint, at its column or at the end of the table."""
        name = self.constraint_name(relation, constraint)
        prefix = f"constraint {self.quote(name)} " if name else ""
        return prefix + self._said(constraint)

    def constraint_name(self, relation: Relation, constraint: Constraint) -> str | None:  # noqa: ARG002  engines that name all of them override
        """The name a constraint is created with; ``None`` leaves it to the engine."""
        return constraint.name

    def _said(self, c: Constraint) -> str:
        columns = "" if c.inline else f" ({', '.join(self.quote(n) for n in c.columns)})"
        more = f" {c.expression}" if c.expression else ""
        match c.kind:
            case "not_null":
                return f"not null{more}"
            case "unique":
                return f"unique{more}{columns}"
            case "primary_key":
                return f"primary key{more}{columns}"
            case "foreign_key":
                to = f"{c.to} ({', '.join(self.quote(n) for n in c.to_columns)})" if c.to else c.expression
                return f"{'' if c.inline else f'foreign key{columns} '}references {to}"
            case "check":
                return f"check ({c.expression})"
            case "custom":
                return c.expression


def _bare(type_: str) -> str:
    return re.sub(r"\s+", " ", _SIZE.sub("", type_)).strip().casefold()
