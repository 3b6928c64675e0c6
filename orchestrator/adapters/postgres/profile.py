"""A Postgres target: what the keys of its profile mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.difference import Reach
from orchestrator.core.errors import Problem, ProfileError, did_you_mean
from orchestrator.core.project import Secret, Target

LOCK_TIMEOUT = 30.0
"""Seconds to wait for somebody else's lock, unless the profile says otherwise."""

IDLE_TIMEOUT = 3600.0
"""Seconds that a transaction of ours may stand still (a Python model at work) before the server takes its locks away."""


@dataclass(frozen=True, slots=True)
class PostgresProfile:
    """How to connect, and how each session begins.

    ``connection`` are libpq's parameters; the ones that are secret are :class:`Secret`. ``schema`` is where relations are built
    when nothing else is said. ``lock_timeout``, ``statement_timeout`` and ``idle_timeout`` are seconds; 0 means for ever.
    ``retries`` is how often a refused connection is tried again. ``run`` names the run in the server's list of sessions.
    """

    connection: Mapping[str, Any]
    database: str | None
    schema: str = "public"
    threads: int = 1
    search_path: str | None = None
    role: str | None = None
    retries: int = 1
    lock_timeout: float = LOCK_TIMEOUT
    statement_timeout: float = 0.0
    idle_timeout: float = IDLE_TIMEOUT
    run: str = ""

    @property
    def place(self) -> str:
        """Where the server is, in words without secrets."""
        given = self.connection
        if "service" in given:
            return f"service `{given['service']}`"
        host, port = given.get("host"), given.get("port")
        return "the local server" if host is None else f"{host}:{port}" if port and not str(host).startswith("/") else str(host)

    @property
    def namespace(self) -> str:
        """OpenLineage's name of the server: host and port."""
        host = str(self.connection.get("host") or self.connection.get("hostaddr") or "localhost")
        return f"postgres://{'localhost' if host.startswith('/') else host}:{self.connection.get('port') or 5432}"


TEXT, NUMBER = "a text", "a number"

LIBPQ: dict[str, str] = {
    "host": TEXT,
    "hostaddr": TEXT,
    "port": NUMBER,
    "user": TEXT,
    "password": TEXT,
    "passfile": TEXT,
    "service": TEXT,
    "options": TEXT,
    "application_name": TEXT,
    "connect_timeout": NUMBER,
    "keepalives": NUMBER,
    "keepalives_idle": NUMBER,
    "keepalives_interval": NUMBER,
    "keepalives_count": NUMBER,
    "tcp_user_timeout": NUMBER,
    "sslmode": TEXT,
    "sslcert": TEXT,
    "sslkey": TEXT,
    "sslpassword": TEXT,
    "sslrootcert": TEXT,
    "sslcrl": TEXT,
    "sslsni": NUMBER,
    "ssl_min_protocol_version": TEXT,
    "sslnegotiation": TEXT,
    "channel_binding": TEXT,
    "require_auth": TEXT,
    "gssencmode": TEXT,
    "krbsrvname": TEXT,
    "target_session_attrs": TEXT,
    "load_balance_hosts": TEXT,
}
"""Keys that go to libpq as they are."""

OURS: dict[str, str] = {
    "type": TEXT,
    "target": TEXT,
    "dbname": TEXT,
    "database": TEXT,
    "pass": TEXT,
    "schema": TEXT,
    "threads": NUMBER,
    "search_path": TEXT,
    "role": TEXT,
    "retries": NUMBER,
    "lock_timeout": NUMBER,
    "statement_timeout": NUMBER,
    "idle_in_transaction_session_timeout": NUMBER,
}

KNOWN = {**LIBPQ, **OURS}

DEFAULTS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 5,
    "tcp_user_timeout": 110_000,  # milliseconds: keepalives say nothing while something sent is not acknowledged
    "application_name": "orc",
}
"""A server that has gone away is noticed within two minutes, not never."""

CHECKS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda v: isinstance(v, (str, int)) and not isinstance(v, bool),
    NUMBER: lambda v: _number(v) is not None,
}


def profile(target: Target, root: str) -> PostgresProfile:  # noqa: ARG001  no path of a Postgres profile starts at the project
    """What the warehouse needs to connect to ``target``.

    Raises ``ProfileError`` with every key that is unknown or of the wrong type.

    >>> profile(Target("p", "dev", "postgres", None, "shop", 4, {"host": "db", "port": "5433", "dbname": "dw"}), "").place
    'db:5433'
    """
    given = {key: value for key, value in target.settings.items() if value is not None}
    if problems := list(_problems(given)):
        raise ProfileError(*(_located(p, target) for p in problems))
    database = target.database or given.get("dbname") or given.get("database")
    connection = {**DEFAULTS, **{key: _plain(LIBPQ[key], given[key]) for key in LIBPQ if key in given}}
    if "pass" in given:
        connection["password"] = given["pass"]
    if "password" in connection:
        connection["password"] = Secret(_revealed(connection["password"]))
    if connection.get("keepalives_idle") == 0:  # dbt's word for the system's own rhythm
        del connection["keepalives_idle"]
    if database is not None:
        connection["dbname"] = _revealed(database)
    return PostgresProfile(
        connection=connection,
        database=None if database is None else _revealed(database),
        schema=target.schema,
        threads=max(1, target.threads),
        search_path=given.get("search_path"),
        role=given.get("role"),
        retries=int(_number(given.get("retries", 1)) or 0),
        lock_timeout=_number(given.get("lock_timeout", LOCK_TIMEOUT)) or 0.0,
        statement_timeout=_number(given.get("statement_timeout", 0)) or 0.0,
        idle_timeout=_number(given.get("idle_in_transaction_session_timeout", IDLE_TIMEOUT)) or 0.0,
    )


def comparing(target: Target) -> Target:
    """The target of a session that only compares: the same."""
    return target


def reach(here: PostgresProfile, there: PostgresProfile) -> Reach | None:
    """How a session of one database sees another: not at all, unless they are one.

    >>> dev, prod = (PostgresProfile({"host": "db", "dbname": "dw", "user": user}, "dw") for user in ("dev", "prod"))
    >>> reach(dev, prod), reach(dev, PostgresProfile({"host": "db", "dbname": "other"}, "other"))
    (Reach(statements=(), databases=()), None)
    """

    def place(of: PostgresProfile) -> tuple[str, ...]:
        given = of.connection
        host = str(given.get("hostaddr") or given.get("host") or "")
        return host, str(given.get("port") or 5432), str(given.get("service") or ""), str(of.database or given.get("user") or "")

    return Reach() if place(here) == place(there) else None


def _problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in given.items():
        if key not in KNOWN:
            yield Problem("C402", f"`{key}` is not a key of a Postgres profile", hint=did_you_mean(key, KNOWN))
        elif not CHECKS[KNOWN[key]](value):
            shown = f"`{value}`" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
            yield Problem("C403", f"`{key}` must be {KNOWN[key]}, not {shown}")
    if "pass" in given and "password" in given:
        yield Problem("C403", "`pass` and `password` are two words for one key: keep one")


def _number(value: Any) -> float | None:
    """A number that is not negative, also when a template made a text of it."""
    if isinstance(value, bool):
        return None
    try:
        number = float(_revealed(value))
    except (TypeError, ValueError):
        return None
    return number if number >= 0 else None


def _plain(kind: str, value: Any) -> Any:
    if isinstance(value, Secret):
        return value
    return int(_number(value) or 0) if kind == NUMBER else str(value)


def _revealed(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _located(problem: Problem, target: Target) -> Problem:
    """The same problem, saying whose profile it is about (the file's line is not known here)."""
    return Problem(problem.code, f"profile `{target.profile}`, target `{target.name}`: {problem.message}", hint=problem.hint)
