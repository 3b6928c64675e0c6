"""How a delta gets into a table of Postgres: rows with a null in their key in statements of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.adapters.ansi import NEW, OLD, AnsiDialect
from orchestrator.core.names import Relation


class PostgresDelta(AnsiDialect):
    """Statements of incremental models."""

    def apply_delta(
        self,
        strategy: str,
        stage: Relation,
        target: Relation,
        columns: Sequence[str],
        unique_key: Sequence[str],
        options: dict[str, Any],
    ) -> tuple[str, ...]:
        """Apply a staged delta to an incremental model. The key may be written in any case; columns are quoted as they are."""
        spelled = {c.casefold(): c for c in reversed(columns)}
        keys = [k if k in columns else spelled.get(k.casefold(), k) for k in unique_key]
        return super().apply_delta(strategy, stage, target, columns, keys, options)

    def too_old(self, strategy: str, server: int) -> str | None:
        """What an incremental strategy needs that a server of this major version (0: unknown) is not.

        >>> PostgresDelta().too_old("merge", 14), PostgresDelta().too_old("merge", 15), PostgresDelta().too_old("append", 12)
        ('Postgres 15', None, None)
        """
        return "Postgres 15" if strategy == "merge" and 0 < server < 15 else None

    def merge(self, stage: Relation, target: Relation, columns: Sequence[str], unique_key: Sequence[str], options: dict[str, Any]) -> str:
        """Update the rows whose key is there, insert the others; rows with a null in their key in a statement of their own."""
        whole, broken = self._halves(stage, unique_key)
        merge = super().merge(stage, target, columns, unique_key, options)
        using, on = f"using {self.relation(stage)} as {NEW}", f"on {self.same_key(unique_key)}"
        equal = merge.replace(using, f"using ({whole}) as {NEW}", 1).replace(on, f"on {self._equal_key(unique_key)}", 1)
        null = merge.replace(using, f"using ({broken}) as {NEW}", 1)
        return f"{equal};\n{null}"

    def delete_matching(self, stage: Relation, target: Relation, unique_key: Sequence[str], options: dict[str, Any]) -> str:
        """Delete what the delta brings again; rows with a null in their key by a statement of their own, which mostly ends at once.

        "Not distinct from" finds nulls but neither an index nor a hash helps it: on big tables it takes hours.
        """
        _, broken = self._halves(stage, unique_key)
        delete = super().delete_matching(stage, target, unique_key, options)
        same = self.same_key(unique_key)
        equal = delete.replace(same, self._equal_key(unique_key), 1)
        null = delete.replace(f"from {self.relation(stage)} as {NEW}", f"from ({broken}) as {NEW}", 1)
        return f"{equal};\n{null}\nand exists ({broken})"

    def _halves(self, stage: Relation, unique_key: Sequence[str]) -> tuple[str, str]:
        """The rows of a delta whose key is whole, and those with a null in it."""
        null = " or ".join(f"{self.quote(k)} is null" for k in unique_key)
        rows = f"select * from {self.relation(stage)}"
        return f"{rows} where not ({null})", f"{rows} where {null}"

    def _equal_key(self, unique_key: Sequence[str]) -> str:
        return " and ".join(f"{NEW}.{self.quote(k)} = {OLD}.{self.quote(k)}" for k in unique_key)
