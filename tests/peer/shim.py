"""dbt's ``run_dbt``, answered by our own command line: the peer's fixtures and assertions stay, what they call is ``orc``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from orchestrator.cli import wire
from orchestrator.cli.main import call

BUILDS = ("run", "seed", "snapshot")
"""Commands that dbt lets publish whatever tests would say; ours say so with ``--no-gates``."""

EXCEPTIONS = ("dbt.exceptions", "dbt_common.exceptions", "dbt.adapters.exceptions")
"""Where dbt keeps the classes that ``error.json`` names."""

FALLBACK = "DbtRuntimeError"
"""The class for an error whose type is none of dbt's."""


class Thing:
    """A JSON object whose keys are attributes, as in dbt's own result and manifest objects; absent ones are ``None``."""

    def __init__(self, data: dict[str, Any], **more: Any) -> None:
        self._data = {**data, **more}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return thing(self._data.get(name))

    def __getitem__(self, name: str) -> Any:
        return thing(self._data[name])

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return self._data == (other._data if isinstance(other, Thing) else other)

    def __hash__(self) -> int:
        return hash(json.dumps(self._data, sort_keys=True, default=str))

    def __repr__(self) -> str:
        return f"Thing({self._data!r})"

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dict."""
        return thing(self._data.get(name, default))

    def keys(self) -> Any:
        """As of a dict."""
        return self._data.keys()

    def values(self) -> list[Any]:
        """As of a dict."""
        return [thing(v) for v in self._data.values()]

    def items(self) -> list[tuple[str, Any]]:
        """As of a dict."""
        return [(k, thing(v)) for k, v in self._data.items()]

    def to_dict(self, **_: Any) -> dict[str, Any]:
        """The JSON object itself."""
        return self._data


def thing(value: Any) -> Any:
    """A JSON value with objects as :class:`Thing`."""
    match value:
        case dict():
            return Thing(value)
        case list():
            return [thing(v) for v in value]
        case _:
            return value


class Results(list[Any]):
    """What a run answers: a list of results that also has them as ``results``."""

    @property
    def results(self) -> Results:
        """Itself."""
        return self


def run_dbt(args: list[str] | None = None, expect_pass: bool | None = True, callbacks: Any = None) -> Any:
    """Run a command of ours in this process; what comes back has the shape that dbt's own function gives.

    Raises dbt's exception class when nothing could run (exit code 2), ``AssertionError`` when success is not as expected.
    """
    return _run(args, expect_pass)[0]


def run_dbt_and_capture(args: list[str] | None = None, expect_pass: bool | None = True) -> tuple[Any, str]:
    """As :func:`run_dbt`, with everything that was printed."""
    return _run(args, expect_pass)


def _run(args: list[str] | None, expect_pass: bool | None) -> tuple[Any, str]:
    words = list(args or ["run"])
    print(f"\n\nInvoking orc with {words}")
    _let_go()
    for name in ("error.json", *(() if "docs" in words else ("run_results.json",))):  # what is read must be this command's
        Path("target", name).unlink(missing_ok=True)
    told, data = StringIO(), StringIO()
    with redirect_stderr(told), redirect_stdout(data):
        code = call([*words, "--no-gates"] if any(w in BUILDS for w in words) else words)
    text = told.getvalue() + data.getvalue()
    print(text)
    if code == 2:
        raise _exception(text)
    if expect_pass is not None:
        assert (code == 0) == expect_pass, "dbt exit state did not match expected"
    return _answer(words, data.getvalue()), text


def _let_go() -> None:
    """Close what dbt's own adapter holds: a DuckDB file has one writer, and our command opens it with other settings."""
    manager = sys.modules.get("dbt.adapters.duckdb.connections")
    if manager is not None and (held := manager.DuckDBConnectionManager._ENV) is not None:
        held.close()
        manager.DuckDBConnectionManager._ENV = None


def _exception(text: str) -> Exception:
    said = _read("error.json") or {"type": "DbtUsageException", "message": text}
    found = (getattr(import_module(m), said["type"], None) for m in EXCEPTIONS)
    fallback = getattr(import_module(EXCEPTIONS[1]), FALLBACK)
    raised: Exception = next((f for f in found if f is not None), fallback)(said["message"])
    return raised


def _answer(words: Sequence[str], printed: str) -> Any:
    """What dbt's own ``run_dbt`` returns for a command."""
    if "docs" in words:
        return thing(_read("catalog.json"))
    if "ls" in words or "list" in words:
        return printed.splitlines()
    if "parse" in words:
        return get_manifest(".")
    manifest = _read("manifest.json") or {}
    nodes = {i: n for part in ("nodes", "unit_tests", "sources", "exposures") for i, n in manifest.get(part, {}).items()}
    results = (_read("run_results.json") or {}).get("results", [])
    return Results(_result(r, nodes.get(r["unique_id"], {"unique_id": r["unique_id"]})) for r in results)


def _result(result: dict[str, Any], node: dict[str, Any]) -> Thing:
    kinds = import_module("dbt.artifacts.schemas.results")
    return Status(result, node=node).of(kinds.NodeStatus)


class Status(Thing):
    """A result; its status is dbt's enumeration."""

    def of(self, kinds: Callable[[str], Any]) -> Status:
        """This result with its status as one of ``kinds``."""
        return Status({**self._data, "status": kinds(self._data["status"])})


def get_manifest(project_root: Any) -> Any:
    """The manifest that the last command wrote; dbt reads its own cache for this."""
    path = Path(str(project_root)) / "target" / "manifest.json"
    return thing(json.loads(path.read_text())) if path.exists() else None


def _read(name: str) -> dict[str, Any] | None:
    path = Path("target", name)
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


@contextmanager
def patch_microbatch_end_time(dt_str: str) -> Iterator[None]:
    """Let our clock say a time, as dbt's function of this name does with its own."""
    at = datetime.strptime(dt_str, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    before = wire.SystemClock.now
    wire.SystemClock.now = lambda self: at  # type: ignore[method-assign]
    try:
        yield
    finally:
        wire.SystemClock.now = before  # type: ignore[method-assign]


def install() -> None:
    """Put ours in the place of dbt's, before any test module imports them."""
    tools = import_module("dbt.tests.util")
    for ours in (run_dbt, run_dbt_and_capture, get_manifest, patch_microbatch_end_time):
        setattr(tools, ours.__name__, ours)
    os.environ.setdefault("NO_COLOR", "1")
