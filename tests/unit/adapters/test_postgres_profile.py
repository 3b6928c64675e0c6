from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters.postgres.opening import greeting
from orchestrator.adapters.postgres.profile import PostgresProfile, profile
from orchestrator.core.errors import ProfileError
from orchestrator.core.project import Secret, Target


def made(**settings: Any) -> PostgresProfile:
    return profile(Target("shop", "dev", "postgres", None, "analytics", 4, {"type": "postgres", **settings}), "/project")


def refusals(**settings: Any) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        made(**settings)
    return [p.message.partition(": ")[2] for p in caught.value.problems]


def test_the_keys_of_dbt_mean_what_they_mean_there() -> None:
    given = made(
        host="db", port="5433", user="ann", **{"pass": Secret("hunter2")}, dbname="dw", threads=4, keepalives_idle=0, connect_timeout=3,
        retries=2, search_path="a, b", role="builder", sslmode="verify-full", sslcert="c", sslkey="k", sslrootcert="r",
    )  # fmt: skip
    assert given.connection["port"] == 5433
    assert given.connection["password"].reveal() == "hunter2"
    assert "keepalives_idle" not in given.connection
    assert (given.database, given.connection["dbname"], given.retries, given.role) == ("dw", "dw", 2, "builder")
    assert "hunter2" not in repr(given)


def test_a_service_needs_nothing_else() -> None:
    given = made(service="prod")
    assert given.database is None
    assert "dbname" not in given.connection
    assert given.place == "service `prod`"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hots": "db"}, "`hots` is not a key of a Postgres profile"),
        ({"port": "five"}, "`port` must be a number, not `five`"),
        ({"host": ["a"]}, "`host` must be a text, not a list"),
        ({"pass": "a", "password": "b"}, "`pass` and `password` are two words for one key: keep one"),
        ({"lock_timeout": -1}, "`lock_timeout` must be a number, not `-1`"),
    ],
)
def test_what_means_nothing_is_refused(settings: dict[str, Any], message: str) -> None:
    assert refusals(**settings) == [message]


def test_a_wrong_value_of_a_secret_is_not_shown() -> None:
    assert "hunter2" not in str(refusals(port=Secret("hunter2")))


def test_a_session_begins_with_its_limits() -> None:
    said = greeting(made(lock_timeout=1.5, statement_timeout=60, role='the "boss"', search_path="a, b"))
    assert said.startswith('set role "the ""boss""";\n')
    for setting in (
        "set_config('lock_timeout', '1500', false)",
        "set_config('statement_timeout', '60000', false)",
        "'search_path', 'a, b'",
    ):
        assert setting in said
