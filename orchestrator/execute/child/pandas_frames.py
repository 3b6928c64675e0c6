"""Between Arrow and pandas without changing what a column is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.execute.child.faults import Fault

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A frame that, returned unchanged, becomes the same table again.

    Integers and booleans use numpy's types, or pandas' nullable ones (``Int64``, ``boolean``) in a column that has NULLs.
    Dates and decimals use pandas' Arrow types: exact, with ``.dt`` and arithmetic. Whole decimals (a ``sum`` of integers in
    DuckDB) become integers when they fit. Times stamps are ``datetime64`` in the warehouse's resolution; text is ``str``.
    """
    import pandas as pd
    import pyarrow as pa

    def arrow_typed(kind: pa.DataType) -> Any:
        return pd.ArrowDtype(kind) if pa.types.is_date(kind) or pa.types.is_decimal(kind) else None

    def nullable(kind: pa.DataType) -> Any:
        return pd.BooleanDtype() if pa.types.is_boolean(kind) else pd.api.types.pandas_dtype(_nullable_integer(kind))

    table = _whole_decimals_as_integers(table)
    gaps = [
        i
        for i, field in enumerate(table.schema)
        if table.column(i).null_count and (pa.types.is_integer(field.type) or pa.types.is_boolean(field.type))
    ]
    frame: pd.DataFrame = table.select([i for i in range(table.num_columns) if i not in gaps]).to_pandas(
        types_mapper=arrow_typed, ignore_metadata=True
    )
    for i in gaps:
        frame.insert(i, table.schema.names[i], table.column(i).to_pandas(types_mapper=nullable), allow_duplicates=True)
    return frame


def from_pandas(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow. Missing values of any spelling (NaN, NaT, None, NA) become NULL; the index is kept only where it has names."""
    import pyarrow as pa

    frame = _with_named_index(frame)
    check_names(list(frame.columns))
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise Fault("X204", f"the returned frame cannot become a table: {_reason(error)}", "give each column values of one type") from error


def check_names(names: list[Any]) -> None:
    """Raise :class:`Fault` unless every column has a name of its own (warehouses do not tell ``a`` from ``A``)."""
    if not names:
        raise Fault("X204", "the returned frame has no columns")
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        shown = ", ".join(repr(name) for name in odd[:5])
        raise Fault("X204", f"column names must be text; the returned frame has {shown}", "set them: `frame.columns = [...]`")
    empty = [i for i, name in enumerate(names, 1) if not name.strip()]
    if empty:
        raise Fault("X204", f"column {empty[0]} of the returned frame has an empty name")
    for name in names:
        if "\x00" in name:
            raise Fault("X204", f"the returned frame has a column {name!r}: no name can have a null character in it")
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if sum(n.casefold() == name.casefold() for n in names) > 1:
            twin = next((n for n in names if n != other and n.casefold() == name.casefold()), other)
            why = f"column `{name}` twice" if twin == other else f"columns `{other}` and `{twin}`, which differ only in case"
            raise Fault("X204", f"the returned frame has {why}")


def _with_named_index(frame: pd.DataFrame) -> pd.DataFrame:
    named = [name for name in frame.index.names if name is not None]
    if not named:
        return frame
    clash = [name for name in named if name in frame.columns]
    if clash:
        raise Fault(
            "X204", f"the returned frame has `{clash[0]}` both as index and as column", "`frame.reset_index(drop=True)` drops the index"
        )
    unnamed: list[Any] = [level for level, name in enumerate(frame.index.names) if name is None]
    return (frame.droplevel(unnamed) if unnamed else frame).reset_index()


def _whole_decimals_as_integers(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                table = table.set_column(i, field.name, table.column(i).cast(pa.int64()))
            except pa.ArrowInvalid:
                continue  # larger than 64 bits: stays exact
    return table


def _nullable_integer(kind: pa.DataType) -> str:
    text = str(kind)
    return text.replace("uint", "UInt") if text.startswith("u") else text.replace("int", "Int")


def _reason(error: Exception) -> str:
    """What pyarrow says, column last: ``("Expected bytes, got int", "Conversion failed for column x with type object")``."""
    return "; ".join(str(part) for part in error.args) or type(error).__name__
