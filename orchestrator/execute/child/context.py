"""What a model's function is given: ``ctx`` (or dbt's ``dbt`` and ``session``), and handles on the tables it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from orchestrator.execute.child.faults import Fault

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Ask = Callable[[str, str], dict[str, Any]]
"""Ask the parent ``read`` or ``columns`` of a query; answers with a ``path`` or ``columns``, raises :class:`Fault` when refused."""

ABSENT: Any = object()


class Handle:
    """A table or query of the warehouse, read when first used.

    Use it inside SQL text too: ``session.sql(f"select max(day) from {ctx.this}")``.
    """

    def __init__(self, ask: Ask, sql: str, table: str | None = None) -> None:
        self._ask = ask
        self._path: str | None = None
        self.sql = sql
        self._table = table

    @property
    def columns(self) -> list[str]:
        """Names of the columns, without reading rows."""
        if self._path is None:
            return list(self._ask("columns", self.sql)["columns"])
        return list(self._stream().schema.names)

    def arrow(self) -> pa.Table:
        """All rows as a pyarrow table, mapped from disk: memory is used only for what is touched."""
        return self._stream().read_all()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in pieces, for models whose input is larger than memory."""
        yield from self._stream()

    def df(self) -> pd.DataFrame:
        """All rows as a pandas frame with the warehouse's types (see :func:`~orchestrator.execute.child.pandas_frames.to_pandas`)."""
        from orchestrator.execute.child.pandas_frames import to_pandas

        return to_pandas(self.arrow())

    def polars(self) -> Any:
        """All rows as a polars frame. Raises ``ModuleNotFoundError`` when polars is not installed."""
        import polars as pl  # type: ignore[import-not-found, unused-ignore]

        return pl.from_arrow(self.arrow())

    # What other libraries call the same things; models brought from elsewhere keep working.
    to_pandas = toPandas = pandas = df  # noqa: N815 -- their spelling
    to_arrow = to_arrow_table = arrow
    pl = to_polars = polars

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._stream().__arrow_c_stream__(requested_schema)

    def __str__(self) -> str:
        return self._table or f"({self.sql})"

    def __repr__(self) -> str:
        return f"<handle {self}>"

    def _stream(self) -> pa.RecordBatchReader:
        import pyarrow as pa

        if self._path is None:
            self._path = str(self._ask("read", self.sql)["path"])
        return pa.ipc.open_stream(pa.memory_map(self._path))


class Flag(int):
    """A truth that may be called: ``ctx.is_incremental`` and ``dbt.is_incremental()`` both read well."""

    def __call__(self) -> bool:
        """The truth itself."""
        return bool(self)

    def __repr__(self) -> str:
        return str(bool(self))

    __str__ = __repr__


class Config:
    """The model's effective config. Calling it does nothing: ``dbt.config(...)`` was read from the source before the run."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __call__(self, *_: object, **__: object) -> None:
        """Nothing to do at run time."""

    def get(self, key: str, default: Any = None) -> Any:
        """The configured value; ``meta`` is looked through as well, where free keys live."""
        if key in self._values:
            return self._values[key]
        return self.meta_get(key, default)

    def meta_get(self, key: str, default: Any = None) -> Any:
        """A value under ``meta``."""
        return (self._values.get("meta") or {}).get(key, default)

    def require(self, key: str) -> Any:
        """The configured value; a :class:`Fault` when nobody configured it."""
        found = self.get(key, ABSENT)
        if found is ABSENT:
            raise Fault("X203", f"config `{key}` is required and not set", _close(key, self._values))
        return found

    def __getitem__(self, key: str) -> Any:
        return self.require(key)

    def __contains__(self, key: str) -> bool:
        return key in self._values


class Target:
    """The target of this run: ``ctx.target.schema`` or ``ctx.target["schema"]``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def get(self, key: str, default: Any = None) -> Any:
        """A key, or ``default``."""
        return self._values.get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __getattr__(self, key: str) -> Any:
        try:
            return self.__dict__["_values"][key]
        except KeyError:
            raise AttributeError(f"the target has no `{key}`", name=key, obj=self) from None


class Session:
    """dbt's second argument: the warehouse, for queries of one's own."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def sql(self, query: str) -> Handle:
        """A handle on a query's result."""
        return Handle(self._ask, query)


class Context:
    """Everything a model may ask for. ``facts`` is the job message's part of the same name."""

    def __init__(self, facts: Mapping[str, Any], ask: Ask) -> None:
        self._inputs: Mapping[str, Mapping[str, Any]] = facts["inputs"]
        self._vars: Mapping[str, Any] = facts["vars"]
        self._handles: dict[str, Handle] = {}
        self._ask = ask
        self.config = Config(facts["config"])
        self.target = Target(facts["target"])
        self.is_incremental = Flag(facts["is_incremental"])
        this = facts["this"]
        self.this = None if this is None else Handle(ask, this["sql"], this["table"])
        self.session = Session(ask)

    def ref(self, *names: str, v: object = None, version: object = None) -> Handle:
        """A handle on a model, seed or snapshot: ``ref("orders")``, ``ref("package", "orders")``, ``ref("orders", v=2)``."""
        from orchestrator.core import marker

        if len(names) not in (1, 2):
            raise Fault("X203", f"ref() takes one name, or a package and a name; it was given {len(names)}")
        wanted = version if v is None else v
        package = names[0] if len(names) == 2 else ""
        written = "ref({})".format(", ".join([*(repr(name) for name in names), *([] if wanted is None else [f"v={wanted!r}"])]))
        return self._handle(marker.ref(names[-1], package, "" if wanted is None else str(wanted)), written)

    def source(self, source_name: str, table: str) -> Handle:
        """A handle on a declared source table."""
        from orchestrator.core import marker

        return self._handle(marker.source(source_name, table), f"source({source_name!r}, {table!r})")

    def sql(self, query: str) -> Handle:
        """A handle on a query's result; tables it names are not dependencies unless they are also ``ref``'d."""
        return self.session.sql(query)

    def command(self, *words: str, format: str = "parquet", **tables: Handle) -> pa.Table:  # noqa: A002 -- what authors call it
        """The table that a program writes: ``ctx.command("Rscript", "features.R", trips=ctx.ref("core_trips"))``.

        It finds each table as a file that ``ORC_INPUT_TRIPS`` names, and writes the result to ``ORC_OUTPUT``; ``format`` is of both.
        """
        from orchestrator.execute.child.program import program

        return program(words, tables, format)

    def var(self, name: str, default: Any = ABSENT) -> Any:
        """A project variable; a :class:`Fault` when it is not set and there is no default."""
        if name in self._vars:
            return self._vars[name]
        if default is ABSENT:
            raise Fault("X203", f"var `{name}` is not set", _close(name, self._vars) or f"pass --vars, or a default: var({name!r}, ...)")
        return default

    def log(self, message: object, info: bool = True) -> None:
        """Say something in the run's log."""
        del info  # dbt's switch between file and console; we have one log
        print(message, flush=True)  # noqa: T201 -- printed lines are the log, in the order they were printed

    def _handle(self, key: str, written: str) -> Handle:
        if key not in self._handles:
            found = self._inputs.get(key)
            if found is None:
                hint = _close(key, self._inputs) or "names must be plain strings so that they can be read without running the model"
                raise Fault("X203", f"`{written}` was not among the dependencies found in this file", hint)
            self._handles[key] = Handle(self._ask, found["sql"], found["table"])
        return self._handles[key]


def _close(name: str, known: Mapping[str, Any]) -> str | None:
    """A did-you-mean over plain names; keys of inputs are shown as the author would write them."""
    shown = {key: _spoken(key) for key in known}
    close = get_close_matches(_spoken(name).casefold(), [text.casefold() for text in shown.values()], n=1, cutoff=0.75)
    return next((f"did you mean `{text}`?" for text in shown.values() if close and text.casefold() == close[0]), None)


def _spoken(key: str) -> str:
    kind, *parts = key.split(":")
    if kind == "ref" and len(parts) == 3:
        package, name, version = parts
        return f"ref({', '.join([*([repr(package)] if package else []), repr(name), *([f'v={version}'] if version else [])])})"
    if kind == "source" and len(parts) == 2:
        return f"source({parts[0]!r}, {parts[1]!r})"
    return key
