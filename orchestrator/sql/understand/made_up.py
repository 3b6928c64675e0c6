"""What each engine calls a column that nobody named."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.scope import Context


def made_up(ctx: Context, e: Any, unnamed: int) -> str:
    """The name of a column without an alias; empty when it is not sure. ``unnamed`` counts those to its left."""
    if isinstance(e, exp.Dot) and isinstance(e.expression, exp.Identifier):
        return str(e.expression.name)
    if ctx.engine.name == "bigquery":
        return f"f{unnamed}_"
    return ""
