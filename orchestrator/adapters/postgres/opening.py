"""Connect to the server a profile names, and greet it."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any

import psycopg

from orchestrator.adapters.postgres.dialect import PostgresDialect
from orchestrator.adapters.postgres.problems import unreachable
from orchestrator.adapters.postgres.profile import PostgresProfile
from orchestrator.core.project import Secret, mask

MILLISECONDS = 1000

WATCH = "1s"
"""How often the server looks whether we still live while it works for us: a query whose client was killed ends, and its locks go."""

_HOPELESS = frozenset({"W202", "W203", "W204", "W205"})
"""Refusals that trying again does not cure."""


def opening(profile: PostgresProfile) -> psycopg.Connection[Any]:
    """A new connection, in autocommit. Raises ``WarehouseError`` when there is none after ``profile.retries`` more tries."""
    given: dict[str, Any] = {key: value.reveal() if isinstance(value, Secret) else value for key, value in profile.connection.items()}
    secrets = [value for value in profile.connection.values() if isinstance(value, Secret)]
    name = f"{given.pop('application_name')} {profile.run}".strip()
    for attempt in range(profile.retries + 1):
        try:
            connection: psycopg.Connection[Any] = psycopg.connect(
                **given, application_name=name[:63], client_encoding="utf8", autocommit=True, prepare_threshold=None
            )
        except psycopg.Error as error:
            refusal = unreachable(mask(str(error), secrets), profile.place, given.get("user"))
            if refusal.first.code in _HOPELESS or attempt == profile.retries:
                raise refusal from None
            time.sleep(min(5.0, 0.5 * 2**attempt) * random.uniform(0.7, 1.3))  # noqa: S311  jitter: workers should not come back together
        else:
            try:
                greet(connection, profile)
            except psycopg.Error as error:
                connection.close()
                raise unreachable(mask(str(error), secrets), profile.place, given.get("user")) from None
            return connection
    raise AssertionError(profile.retries)


def greet(connection: psycopg.Connection[Any], profile: PostgresProfile) -> None:
    """What each session begins with, in one round trip. Sent as statements: poolers refuse settings at the door."""
    connection.execute(greeting(profile).encode())
    if connection.info.server_version >= 140000:
        with suppress(psycopg.Error):  # a server on a system that cannot do it
            connection.execute(f"set client_connection_check_interval = '{WATCH}'".encode())


def greeting(profile: PostgresProfile) -> str:
    """The settings of a session.

    Sessions of a run hold a shared advisory lock with its number: when the last one is gone, so is the run, and its leases are free.
    ``orc.patience`` is how long a publish asks for its locks, in short pieces: readers queue behind whoever waits for one.
    """
    say = PostgresDialect()
    settings: dict[str, str] = {
        "lock_timeout": str(int(profile.lock_timeout * MILLISECONDS)),
        "orc.patience": str(int(profile.lock_timeout * MILLISECONDS) or 24 * 3600 * MILLISECONDS),
        "statement_timeout": str(int(profile.statement_timeout * MILLISECONDS)),
        "idle_in_transaction_session_timeout": str(int(profile.idle_timeout * MILLISECONDS)),
        "client_min_messages": "warning",
        "standard_conforming_strings": "on",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
        "extra_float_digits": "1",
        "bytea_output": "hex",
    }
    if profile.search_path is not None:
        settings["search_path"] = profile.search_path
    role = [f"set role {say.quote(profile.role)}"] if profile.role else []
    changed = ", ".join(f"set_config({say.text(key)}, {say.text(value)}, false)" for key, value in settings.items())
    alive = [f"pg_advisory_lock_shared(hashtextextended({say.text(profile.run)}, 0))"] if profile.run else []
    return ";\n".join([*role, f"select {', '.join([changed, *alive])}"])
