"""What types say against each other."""

from __future__ import annotations

from typing import Any

from orchestrator.sql.understand.relations import Column
from orchestrator.sql.understand.scope import Context


def clash(ctx: Context, query: Any, left: Column, right: Column) -> None:
    """S204: columns of a set operation that no type holds both of."""


def different_keys(ctx: Context, written: str, left: Column, right: Column, at: tuple[int, int]) -> None:
    """S202: join keys of different types."""
