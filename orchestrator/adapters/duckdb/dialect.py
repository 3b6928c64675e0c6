"""What to say to DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from orchestrator.adapters.ansi import AnsiDialect
from orchestrator.core.contract import Support
from orchestrator.core.names import Relation

UNTYPED = '"NULL"'
"""The type DuckDB 2 gives a column that holds nothing but null literals; no other value can ever be stored in it."""


class DuckDBDialect(AnsiDialect):
    """DuckDB: standard SQL with few exceptions. ``merge`` needs DuckDB 1.4."""

    name = "duckdb"
    sqlglot = "duckdb"
    max_identifier = 255  # the engine has no limit of its own; this one keeps names usable as file names
    trusts_commit = True  # one process, and the connection refuses to commit what an error ended (X110)

    leases = "split"  # of two transactions that build one relation the engine refuses the later one
    lease_table = Relation("_orc_leases", "main", "leases")

    roughly_from: int | None = 100_000  # of four values it may count three
    double: ClassVar[str] = "double"

    def distinct(self, expression: str) -> str:
        """How many different values there are, roughly."""
        return f"approx_count_distinct({expression})"

    def lease_setup(self) -> tuple[str, ...]:
        """Leases are kept in memory: only runs of this process can meet here, and their leases end with it."""
        return (f"attach if not exists ':memory:' as {self.quote(str(self.lease_table.database))}", *super().lease_setup())

    def lease_is_dead(self) -> str:
        """A run of this process that says nothing is busy, not dead."""
        return ""

    def lease_beat(self, run: str) -> tuple[str, ...]:  # noqa: ARG002  see lease_is_dead
        """Nobody listens."""
        return ()

    # a table that a foreign key points to can be neither dropped nor replaced, so the model it belongs to could never be built again
    constraint_support: ClassVar[Mapping[str, Support]] = {**AnsiDialect.constraint_support, "foreign_key": "not_supported"}

    def same_type(self, declared: str, actual: str) -> bool:
        """Whether a query's column may go into a contract's; one of nothing but nulls goes into any."""
        return actual == UNTYPED or super().same_type(declared, actual)

    def binary(self, value: bytes) -> str:
        """A BLOB literal: every byte in hex, since ``x'…'`` would do only for newer versions."""
        return f"'{''.join(f'{chr(92)}x{byte:02X}' for byte in value)}'::blob"

    def array(self, values: Sequence[object]) -> str:
        """A LIST literal."""
        return f"[{', '.join(self.literal(v) for v in values)}]"

    def add_columns(self, target: Relation, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Add columns ``(name, type)``; one without a type becomes text, so that later deltas may put something in."""
        return super().add_columns(target, [(name, "varchar" if type_ == UNTYPED else type_) for name, type_ in columns])

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """All comments of a relation in one text: half the price of sending them one by one."""
        statements = super().comment(relation, kind, description, columns)
        return (";\n".join(statements),) if statements else ()
