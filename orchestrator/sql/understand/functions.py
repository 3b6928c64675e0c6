"""The type of an expression from the types of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.sql.understand.scope import Context


def result(ctx: Context, e: Any, types: dict[str, Any]) -> str | None:
    """The type of an expression whose arguments have these types; ``None`` when it is not sure."""
    return None
