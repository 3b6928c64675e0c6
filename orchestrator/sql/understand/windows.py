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
    "arbitrary bit_xor bool_and bool_or every favg first fsum geomean histogram json_agg json_group_array json_group_object "
    "json_object_agg jsonb_agg jsonb_object_agg kahan_sum kurtosis last list mad map_agg product quantile_cont quantile_disc "
    "range_agg regr_slope reservoir_quantile skewness string_agg sumkahan xmlagg".split()
)
"""Aggregates that sqlglot does not know."""


def folds(e: Any) -> bool:
    """Whether an expression makes one value of many rows by itself."""
    kind = type(e)
    if kind is exp.Anonymous or kind is exp.AnonymousAggFunc:
        return str(e.name).lower() in NAMED
    return isinstance(e, exp.AggFunc) and kind not in FRAMED
