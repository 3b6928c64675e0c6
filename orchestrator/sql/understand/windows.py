"""Which functions fold rows, and which only look at other rows of a window."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

FRAMED: frozenset[type] = frozenset(
    getattr(exp, name)
    for name in (
        "Lag",
        "Lead",
        "FirstValue",
        "LastValue",
        "NthValue",
        "RowNumber",
        "Rank",
        "DenseRank",
        "PercentRank",
        "CumeDist",
        "Ntile",
    )
    if hasattr(exp, name)
)
"""A value of another row, or a number of this one: sqlglot counts some of them as aggregates."""

NAMED = frozenset(
    {
        *("arbitrary", "first", "last", "every", "bool_and", "bool_or", "bit_xor", "list", "histogram", "map_agg", "range_agg", "xmlagg"),
        *("string_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "json_group_array", "json_group_object"),
        *("favg", "fsum", "sumkahan", "kahan_sum", "geomean", "product", "kurtosis", "skewness", "mad", "regr_slope"),
        *("quantile_cont", "quantile_disc", "reservoir_quantile"),
    }
)
"""Aggregates that sqlglot does not know."""


def folds(e: Any) -> bool:
    """Whether an expression makes one value of many rows by itself."""
    kind = type(e)
    if kind is exp.Anonymous or kind is exp.AnonymousAggFunc:
        return str(e.name).lower() in NAMED
    return isinstance(e, exp.AggFunc) and kind not in FRAMED
