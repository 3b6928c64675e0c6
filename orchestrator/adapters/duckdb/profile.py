"""A DuckDB target: what the keys of its profile mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.core.difference import Reach
from orchestrator.core.errors import Problem, ProfileError, did_you_mean
from orchestrator.core.project import Target

MEMORY = ":memory:"

RESERVED = frozenset({"main", "system", "temp"})
"""File names whose database DuckDB calls by another name: `main.duckdb` becomes `main_db`."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Another database made visible under ``alias``; ``options`` are ATTACH's own (``type``, ``read_only``, …)."""

    path: str
    alias: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DuckDBProfile:
    """How to open the database.

    ``path`` is absolute, ``:memory:`` or a URL. ``database`` is the catalog that relations are built in. ``config`` is given
    when the file is opened, ``settings`` are set afterwards. ``threads`` is the number of our workers, not DuckDB's.
    ``lock_timeout`` is how many seconds to wait for another process to let the file go.
    """

    path: str
    database: str
    schema: str = "main"
    read_only: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    extensions: tuple[tuple[str, str | None], ...] = ()
    attach: tuple[Attachment, ...] = ()
    secrets: tuple[Mapping[str, Any], ...] = ()
    threads: int = 1
    lock_timeout: float = 0.0

    @property
    def is_file(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.path != MEMORY and "://" not in self.path and not self.path.startswith(("md:", "motherduck:"))

    @property
    def is_local(self) -> bool:
        """Whether nobody on another machine sees the database."""
        return self.is_file or self.path == MEMORY

    @property
    def namespace(self) -> str:
        """OpenLineage's name of the database: its file. (A token in a URL is no part of its name.)"""
        return f"duckdb://{self.path.partition('?')[0]}"


KNOWN: dict[str, str] = {
    "type": "a text",
    "target": "a text",
    "path": "a text",
    "database": "a text",
    "schema": "a text",
    "threads": "a number",
    "lock_timeout": "a number",
    "read_only": "true or false",
    "config_options": "a mapping",
    "settings": "a mapping",
    "extensions": "a list",
    "attach": "a list",
    "secrets": "a list",
    "use_credential_provider": "a text",
    # keys of dbt-duckdb that ask for what we do anyway
    "keep_open": "true or false",
    "disable_transactions": "true or false",
    "external_root": "a text",
    "retries": "a mapping",
}

CHECKS: dict[str, Callable[[Any], bool]] = {
    "a text": lambda v: isinstance(v, str),
    "a number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v >= 0,
    "true or false": lambda v: isinstance(v, bool),
    "a mapping": lambda v: isinstance(v, Mapping),
    "a list": lambda v: isinstance(v, Sequence) and not isinstance(v, str),
}

UNSUPPORTED = {
    "plugins": "read the data in a Python model instead",
    "module_paths": "put the functions beside a Python model instead",
    "filesystems": "use a DuckDB extension (`extensions: [httpfs]`) instead",
    "remote": "a remote DuckDB server cannot publish in a transaction",
    "is_ducklake": "attach the lake (`attach:`) and read from it",
}


def profile(target: Target, root: str) -> DuckDBProfile:
    """What the warehouse needs to open ``target``; relative paths start at ``root``.

    Raises ``ProfileError`` with every key that is unknown, unsupported or of the wrong type.

    >>> profile(Target("p", "dev", "duckdb", None, "main", 4, {"path": "a/shop.v2.duckdb"}), "/project").database
    'shop'
    """
    given = {key: value for key, value in target.settings.items() if value is not None}
    problems = list(_problems(given))
    if problems:
        raise ProfileError(*(_located(p, target) for p in problems))
    path = _path(_revealed(given.get("path", MEMORY)), root)
    attach = tuple(_attachment(a, root) for a in given.get("attach", ()))
    implied = database_name(path)
    database = target.database or given.get("database") or implied
    aliases = [a.alias or database_name(a.path) for a in attach]
    if database.casefold() not in {n.casefold() for n in (implied, *aliases)}:
        hint = f"leave `database` out, or say `{implied}`; another file of that name can be added under `attach`"
        raise ProfileError(
            _located(Problem("C404", f"database `{database}` is neither the file's (`{implied}`) nor an attached one", hint=hint), target)
        )
    provider = given.get("use_credential_provider")
    secrets = tuple(given.get("secrets", ())) + (({"type": "s3", "provider": "credential_chain"},) if provider else ())
    return DuckDBProfile(
        path=path,
        database=database,
        schema=target.schema,
        read_only=given.get("read_only", False),
        config=given.get("config_options", {}),
        settings=given.get("settings", {}),
        extensions=tuple((e, None) if isinstance(e, str) else (e["name"], e.get("repo")) for e in given.get("extensions", ())),
        attach=attach,
        secrets=secrets,
        threads=max(1, target.threads),
        lock_timeout=float(given.get("lock_timeout", 0)),
    )


MODEST = "600MB"
"""The memory of a session that only compares, unless the profile has a limit of its own: other things run beside it."""

_LIMITS = frozenset({"memory_limit", "max_memory"})


def comparing(target: Target) -> Target:
    """The target of a session that reads two relations and writes nothing: others may read the file meanwhile.

    >>> comparing(Target("p", "dev", "duckdb", None, "main", 4, {"path": "a.duckdb", "settings": {"threads": 2}})).settings["settings"]
    {'memory_limit': '600MB', 'threads': 2}
    """
    settings = dict(target.settings)
    own = {str(key).casefold() for part in ("settings", "config_options") for key in settings.get(part) or {}}
    if not own & _LIMITS:
        settings["settings"] = {"memory_limit": MODEST, **(settings.get("settings") or {})}
    return replace(target, settings={**settings, "read_only": True})


def reach(here: DuckDBProfile, there: DuckDBProfile) -> Reach | None:
    """How a session of one file sees another: it is attached, for reading. ``None`` when that file is not this machine's.

    >>> reach(DuckDBProfile("/p/dev.duckdb", "dev"), DuckDBProfile("/p/prod.duckdb", "prod"))
    Reach(statements=("attach if not exists '/p/prod.duckdb' as prod (read_only)",), databases=())
    """
    if here.path == there.path:
        return None if here.path == MEMORY else Reach()
    if not there.is_file:
        return None
    own = database_name(there.path)
    attached = next((a.alias or database_name(a.path) for a in here.attach if a.path == there.path), None)
    if attached is not None:
        return Reach((), () if attached == own else ((own, attached),))
    taken = {n.casefold() for n in (here.database, database_name(here.path), *(a.alias or database_name(a.path) for a in here.attach))}
    alias = f"{own}__orc_other" if own.casefold() in taken else own
    shown = alias if alias.isidentifier() else '"' + alias.replace('"', '""') + '"'
    path = there.path.replace("'", "''")
    statement = f"attach if not exists '{path}' as {shown} (read_only)"
    return Reach((statement,), () if alias == own else ((own, alias),))


def database_name(path: str) -> str:
    """The name DuckDB gives to the database in a file: up to the first dot.

    >>> database_name("/data/shop.v2.duckdb"), database_name(":memory:"), database_name("temp.duckdb")
    ('shop', 'memory', 'temp_db')
    """
    if path == MEMORY:
        return "memory"
    stem = path.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1].removeprefix("md:").removeprefix("motherduck:")
    name = stem.lstrip(".").split(".", 1)[0] or "my_db"
    return f"{name}_db" if name in RESERVED else name


def _problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in given.items():
        if key in UNSUPPORTED:
            yield Problem("C402", f"`{key}` of dbt-duckdb is not supported", hint=UNSUPPORTED[key])
        elif key not in KNOWN:
            yield Problem("C402", f"`{key}` is not a key of a DuckDB profile", hint=did_you_mean(key, KNOWN))
        elif not CHECKS[KNOWN[key]](value):
            yield Problem("C403", f"`{key}` must be {KNOWN[key]}, not {_shown(value)}")
        else:
            yield from _problems_inside(key, value)


def _problems_inside(key: str, value: Any) -> Iterator[Problem]:
    for item in value if key in ("extensions", "attach", "secrets") else ():
        match key:
            case "extensions" if not (isinstance(item, str) or (isinstance(item, Mapping) and isinstance(item.get("name"), str))):
                yield Problem("C403", f"an extension is a name or a mapping with `name` and `repo`, not {_shown(item)}")
            case "attach" if not (isinstance(item, str) or (isinstance(item, Mapping) and isinstance(item.get("path"), str))):
                yield Problem("C403", f"an attached database is a path or a mapping with `path` and `alias`, not {_shown(item)}")
            case "secrets" if not (isinstance(item, Mapping) and isinstance(item.get("type"), str)):
                yield Problem("C403", "a secret is a mapping with at least `type`")
            case _:
                pass


def _located(problem: Problem, target: Target) -> Problem:
    """The same problem, saying whose profile it is about (the file's line is not known here)."""
    return Problem(problem.code, f"profile `{target.profile}`, target `{target.name}`: {problem.message}", hint=problem.hint)


def _attachment(given: str | Mapping[str, Any], root: str) -> Attachment:
    if isinstance(given, str):
        return Attachment(_path(_revealed(given), root))
    known = {"path", "alias", "options", "is_ducklake"}
    options = {k: v for k, v in given.items() if k not in known and v not in (None, False)}
    own_path = given.get("type") in (None, "duckdb", "sqlite")
    path = _revealed(given["path"])
    return Attachment(_path(path, root) if own_path else path, given.get("alias"), {**options, **(given.get("options") or {})})


def _path(path: str, root: str) -> str:
    if path == MEMORY or ":" in path.split("/", 1)[0]:
        return path
    return os.path.normpath(os.path.join(root, os.path.expanduser(path)))  # noqa: PTH111, PTH118  text in, text out


def _revealed(value: str) -> str:
    return str.__str__(value)


def _shown(value: Any) -> str:
    return f"`{value}`" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
