"""The engines that are installed, by the ``type`` a profile names. Imports an engine only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from orchestrator.core.difference import Reach
from orchestrator.core.errors import Problem, ProfileError, did_you_mean
from orchestrator.core.ports import Dialect, StateServer, Warehouse
from orchestrator.core.project import Target

ENGINES = {"duckdb": "DuckDB", "postgres": "Postgres", "bigquery": "BigQuery"}
"""The class prefix of each engine; an engine is installed when ``adapters`` has a package of its name."""


def dialect(type: str) -> Dialect:  # noqa: A002  the profile's word
    """What to say to the engine; needs neither its driver nor a connection. Raises ``ProfileError`` for an unknown type.

    >>> dialect("duckdb").name
    'duckdb'
    """
    found: Dialect = _part(type, "dialect", "Dialect")()
    return found


def warehouse(target: Target, root: str, run: str = "") -> Warehouse:
    """The engine of a target; ``root`` is the folder that relative paths start from. Connects to nothing yet.

    ``run`` names the run to an engine that lists its sessions.

    Raises ``ProfileError`` for an unknown type, or for keys and values the engine cannot use.
    """
    settings = _profile(target, root)
    found: Warehouse = _part(target.type, "connection", "Warehouse")(settings, run)
    return found


def state(url: str) -> StateServer:
    """The state database on a server. Connects to nothing yet.

    Raises ``ProfileError`` when the driver is not installed.
    """
    found: StateServer = _part("postgres", "state", "State")(url)
    return found


def database(target: Target, root: str) -> str | None:
    """The database that the target's relations live in when the profile does not say. Raises as :func:`warehouse` does.

    Relations need it: where a schema has the name of its database, engines refuse the two-part name.
    """
    name: str | None = _profile(target, root).database
    return name


def namespace(target: Target, root: str) -> str:
    """What OpenLineage calls the warehouse of a target, without secrets. Raises as :func:`warehouse` does.

    >>> namespace(Target("p", "dev", "duckdb", None, "main", 4, {"path": "shop.duckdb"}), "/project")
    'duckdb:///project/shop.duckdb'
    """
    name: str = _profile(target, root).namespace
    return name


def local(target: Target, root: str) -> bool:
    """Whether the warehouse is a file (or memory) of this machine, which one process has at a time. Raises as :func:`warehouse` does."""
    return bool(getattr(_profile(target, root), "is_local", False))


def comparing(target: Target) -> Target:
    """The target of a session that only reads and compares, in little memory. Raises ``ProfileError`` for an unknown type."""
    _known(target.type)
    changed: Target = import_module(f"{__package__}.{target.type}.profile").comparing(target)
    return changed


def reach(here: Target, there: Target, root: str) -> Reach | None:
    """How a session of one target sees the relations of another; ``None`` when it cannot. Raises as :func:`warehouse` does."""
    if here.type != there.type:
        return None
    found: Reach | None = import_module(f"{__package__}.{here.type}.profile").reach(_profile(here, root), _profile(there, root))
    return found


def installed() -> tuple[str, ...]:
    """The engine types this installation has, sorted."""
    return tuple(sorted(name for name in ENGINES if find_spec(f"{__package__}.{name}") is not None))


def _profile(target: Target, root: str) -> Any:
    _known(target.type)
    return import_module(f"{__package__}.{target.type}.profile").profile(target, root)


def _part(type_: str, module: str, suffix: str) -> Any:
    _known(type_)
    try:
        return getattr(import_module(f"{__package__}.{type_}.{module}"), ENGINES[type_] + suffix)
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("orchestrator"):
            raise
        hint = f"pip install 'sql-orchestrator[{type_}]'"
        raise ProfileError(Problem("C405", f"the driver for {ENGINES[type_]} is not installed (`{missing.name}`)", hint=hint)) from None


def _known(type_: str) -> None:
    types = installed()
    if type_ not in types:
        hint = did_you_mean(type_, types, also=f"installed engines: {', '.join(types)}")
        raise ProfileError(Problem("C401", f"there is no engine of type `{type_}` (installed: {', '.join(types)})", hint=hint))
