"""Tables as a contract says, on Postgres: constraints that a swap knows as ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, ClassVar

from orchestrator.adapters.ansi.constraints import Constraints
from orchestrator.core.contract import Constraint, Contract
from orchestrator.core.names import LONGEST, Relation, shortened

REMARK = "orc:"
"""What the comment on a constraint of ours begins with, when its author named it; the name follows."""

_KIND = {"unique": "key", "primary_key": "pkey", "foreign_key": "fkey", "check": "check"}


class PostgresConstraints(Constraints):
    """What a contract becomes in Postgres's SQL."""

    type_aliases: ClassVar[Mapping[str, str]] = {"string": "text"}

    def declared_name(self, written: str, *, quoted: bool) -> str:
        """What a column is really called: what is written without quotes is folded to lower case."""
        return written if quoted else written.lower()

    def same_name(self, one: str, other: str) -> bool:
        """Whether two names are one column's: names that differ in case are different."""
        return one == other

    def same_type(self, declared: str, actual: str) -> bool:
        """Whether a query's column may go into a contract's; all types of text are one, the table's length is checked when rows come in.

        >>> PostgresConstraints().same_type("character varying(20)", "text"), PostgresConstraints().same_type("integer", "bigint")
        (True, False)
        """
        texts = ("text", "character", "character varying", "bpchar")
        kinds = [next((t for t in texts[1:] if type_.partition("(")[0] == t), type_) for type_ in (declared, actual)]
        return all(k in texts for k in kinds) or super().same_type(declared, actual)

    def create_declared(self, relation: Relation, contract: Contract, config: Mapping[str, Any], *, constrained: bool = True) -> str:
        """Create (or replace) an empty table with the contract's columns, and its constraints when ``constrained``."""
        unlogged = "unlogged " if config.get("unlogged") else ""
        name = self.relation(relation)
        early = replace(contract, constraints=tuple(c for c in contract.constraints if c.kind != "foreign_key"))
        columns = self.declarations(relation, early, constrained=constrained)
        return f"drop table if exists {name};\ncreate {unlogged}table {name} {columns}"

    def constrain(self, relation: Relation, contract: Contract) -> tuple[str, ...]:
        """Foreign keys come when the rows are there: checked at once, and the other table is locked no longer than that.

        A name that the author gave is kept as a remark: indexes of one schema cannot share it, so the old version has it until the swap.
        """
        table = self.relation(relation)
        foreign = [f"add {self.constraint(relation, replace(c, inline=False))}" for c in contract.constraints if c.kind == "foreign_key"]
        keys = (f"alter table {table} {', '.join(foreign)}",) if foreign else ()
        named = [c for c in contract.constraints if c.name and c.kind not in ("custom", "not_null")]
        remarks = [
            f"comment on constraint {self.quote(self.constraint_name(relation, c) or '')} on {table} is {self.text(REMARK + str(c.name))}"
            for c in named
        ]
        return (*keys, *((";\n".join(remarks),) if remarks else ()))

    def constraint_name(self, relation: Relation, constraint: Constraint) -> str | None:
        """A name that tells our constraints from those somebody added; that of an index is not the old version's."""
        if constraint.kind in ("custom", "not_null"):
            return None if constraint.kind == "not_null" else constraint.name
        table = relation.name.rpartition("__orc_stage")[0] or relation.name
        digest = sha256(repr((str(relation), replace(constraint, inline=False))).encode()).hexdigest()[:8]
        called = constraint.name or "_".join([table, *constraint.columns, _KIND[constraint.kind]])
        new = "_new" if constraint.kind in ("unique", "primary_key") else ""
        return f"{shortened(called, LONGEST - 18)}__orc_{digest}{new}"
