from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.testing.postgres import Unavailable, binaries, postgres, settings


def test_a_server_that_is_there_is_used(tmp_path: Path) -> None:
    assert postgres(tmp_path, {"ORC_TEST_PG_URL": "postgresql://ann@db/shop"}) == "postgresql://ann@db/shop"
    assert list(tmp_path.iterdir()) == []


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("orchestrator.testing.postgres.find_spec", lambda _: None)
    with pytest.raises(Unavailable, match="pip install"):
        postgres(tmp_path, {})


def test_a_version_that_the_wheel_lacks() -> None:
    with pytest.raises(Unavailable, match="there is 18, 16"):
        binaries("9")


def test_a_url_becomes_the_keys_of_a_profile() -> None:
    given = settings("postgresql://ann:secret@db:5433/shop?sslmode=require")
    assert given == {
        "type": "postgres",
        "host": "db",
        "port": 5433,
        "user": "ann",
        "password": "secret",
        "dbname": "shop",
        "sslmode": "require",
    }


USER = "import os, sys; from orchestrator.testing.postgres import postgres; from pathlib import Path; print(postgres(Path(sys.argv[1]), os.environ))"


def test_the_server_ends_with_its_last_user(tmp_path: Path) -> None:
    try:
        binaries("18")
    except Unavailable as reason:
        pytest.skip(str(reason))
    first, second = (
        subprocess.Popen(
            [sys.executable, "-c", f"{USER}; input()", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    )
    with first, second:
        url = first.stdout.readline() if first.stdout else ""
        assert url
        assert second.stdout is not None
        assert second.stdout.readline() == url
        first.kill()
        first.wait()
        socket = Path(url.strip().rpartition("=")[2])
        time.sleep(0.7)
        assert (socket / ".s.PGSQL.5432").exists()
        second.kill()
    until = time.monotonic() + 15
    while socket.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not socket.exists()
