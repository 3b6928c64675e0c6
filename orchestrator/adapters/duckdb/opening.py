"""Open the database a profile names, waiting for whoever holds it if the profile says so."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestrator.adapters.duckdb.dialect import DuckDBDialect
from orchestrator.adapters.duckdb.problems import foreign, is_locked, unreachable
from orchestrator.adapters.duckdb.profile import MEMORY, Attachment, DuckDBProfile, database_name
from orchestrator.core.project import Secret

CHECKPOINT = "64MB"
"""How much log may gather before tables are written out: at DuckDB's 16 MB a run of many models writes everything twice."""

_SAY = DuckDBDialect()


def opening(profile: DuckDBProfile) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    """The open database, and the statements each new session must begin with. Raises ``WarehouseError``."""
    header = _header(profile)
    if header is not None and (error := foreign(header, profile.path)):
        raise error
    database = _connected(profile)
    try:
        return database, _prepared(database, profile)
    except duckdb.Error as error:
        database.close()
        raise unreachable(_masked(str(error), profile), profile.path) from None


def worker_threads(workers: int, cores: int) -> int:
    """How many threads DuckDB should use for each of our ``workers``, which bring one of their own.

    On small models DuckDB's threads cost 20 to 40% of CPU and win nothing; a big model at the end of a run wants them. So: the
    cores our workers leave free, but never less than half of all.

    >>> worker_threads(4, 2), worker_threads(1, 2), worker_threads(4, 8)
    (1, 2, 5)
    """
    return max(1, cores // 2, cores - workers + 1)


def _header(profile: DuckDBProfile) -> bytes | None:
    if not profile.is_file:
        return None
    try:
        with Path(profile.path).open("rb") as file:
            return file.read(16)
    except OSError:
        return None  # DuckDB says why, unless it can create the file


def _connected(profile: DuckDBProfile) -> duckdb.DuckDBPyConnection:
    until = time.monotonic() + profile.lock_timeout
    config = {key: value.reveal() if isinstance(value, Secret) else value for key, value in profile.config.items()}
    while True:
        try:
            return duckdb.connect(profile.path, read_only=profile.read_only and profile.path != MEMORY, config=config)
        except duckdb.Error as error:
            left = until - time.monotonic()
            if not is_locked(str(error)) or left <= 0:
                raise unreachable(_masked(str(error), profile), profile.path) from None
            time.sleep(min(left, random.uniform(0.05, 0.25)))  # noqa: S311  jitter: two that wait should not meet again


def _prepared(database: duckdb.DuckDBPyConnection, profile: DuckDBProfile) -> tuple[str, ...]:
    for statement in _ours(profile):
        database.execute(statement)
    for name, repository in profile.extensions:
        _load(database, name, repository)
    for number, secret in enumerate(profile.secrets):
        database.execute(_secret(secret, number))
    for attachment in profile.attach:
        database.execute(_attach(attachment))
    sessions = list(_settings(database, profile.settings))
    if profile.database.casefold() != database_name(profile.path).casefold():
        sessions.append(f"use {_SAY.quote(profile.database)}")
    return tuple(sessions)


def _ours(profile: DuckDBProfile) -> Iterator[str]:
    """Positions in errors; names of Python variables are not tables; threads and log size unless the profile has its own."""
    yield "set global errors_as_json = true"
    yield "set global python_enable_replacements = false"
    chosen = {key.casefold() for key in (*profile.config, *profile.settings)}
    if not chosen & {"threads", "worker_threads"}:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        yield f"set global threads = {worker_threads(profile.threads, cores)}"
    if not chosen & {"checkpoint_threshold", "wal_autocheckpoint"}:
        yield f"set global checkpoint_threshold = '{CHECKPOINT}'"


def _settings(database: duckdb.DuckDBPyConnection, settings: Mapping[str, Any]) -> Iterator[str]:
    """Set what can be set for all sessions; what cannot is returned for each session to set."""
    for key, value in settings.items():
        assignment = f"{_SAY.quote(key)} = {_SAY.literal(value)}"
        try:
            database.execute(f"set global {assignment}")
        except duckdb.CatalogException as error:
            if "globally" not in str(error):
                raise
            yield f"set {assignment}"


def _load(database: duckdb.DuckDBPyConnection, name: str, repository: str | None) -> None:
    try:
        database.execute(f"load {_SAY.quote(name)}")
    except duckdb.Error:
        source = f" from {_SAY.quote(repository) if repository.isidentifier() else _SAY.literal(repository)}" if repository else ""
        database.execute(f"install {_SAY.quote(name)}{source}")
        database.execute(f"load {_SAY.quote(name)}")


def _attach(attachment: Attachment) -> str:
    alias = f" as {_SAY.quote(attachment.alias)}" if attachment.alias else ""
    options = ", ".join(f"{k} {_SAY.literal(v)}" for k, v in attachment.options.items())
    return f"attach if not exists {_SAY.literal(attachment.path)}{alias}{f' ({options})' if options else ''}"


def _secret(secret: Mapping[str, Any], number: int) -> str:
    given = dict(secret)
    name = str(given.pop("name", f"__orc_secret_{number + 1}"))
    options = ", ".join(f"{k} {_SAY.literal(v)}" for k, v in given.items())
    return f"create or replace temporary secret {_SAY.quote(name)} ({options})"


def _masked(text: str, profile: DuckDBProfile) -> str:
    for secret in _secrets((profile.config, profile.settings, profile.secrets, [(a.path, a.options) for a in profile.attach])):
        text = text.replace(secret.reveal(), "****") if secret.reveal() else text
    return text


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner)
