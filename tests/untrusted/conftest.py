"""Two trees of files, judged by the real caged process; a canary beside them that nobody may see."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.ci.untrusted import Options, judge
from orchestrator.core.review import Review
from orchestrator.execute.cage.bounds import MEGABYTE, Bounds

CANARY = "canary-7d1f-sings"
SMALL = Bounds(seconds=30, cpu=3, memory=768 * MEGABYTE, answer=2 * MEGABYTE)
GOOD = {"models/orders.sql": "select 1 as id, 2 as amount"}
Files = Mapping[str, str | bytes]


@dataclass
class Stranger:
    """Someone who opens a pull request; ``outside`` is a folder of ours that they would like to read."""

    folder: Path
    outside: Path
    env: dict[str, str]
    options: Options = field(default_factory=lambda: Options(bounds=SMALL))

    @property
    def canary(self) -> Path:
        return self.outside / "canary.sql"

    def tree(self, name: str, files: Files) -> Path:
        root = self.folder / name / "shop"
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        root.mkdir(parents=True, exist_ok=True)
        return root

    def opens(self, files: Files, base: Files = GOOD, prepare: Callable[[Path], object] | None = None, **options: Any) -> Review:
        """Judge a pull request that makes ``files`` of ``base``; whatever happens, the canary stays unseen and nothing is written."""
        then, now = self.tree("base", base), self.tree("head", files)
        if prepare is not None:
            prepare(now)
        before = sorted(str(p) for p in self.folder.rglob("*"))
        found = judge(now, then, replace(self.options, **options), self.env)
        assert CANARY not in repr(found)
        assert str(self.folder) not in repr(found), "a path of this machine"
        assert "Traceback" not in repr(found)
        assert sorted(str(p) for p in self.folder.rglob("*")) == before, "something was written"
        return found


def codes(found: Review) -> set[str]:
    return {p.code for p in found.blocking}


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stranger:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "canary.sql").write_text(f"select '{CANARY}' as secret")
    (outside / "canary.csv").write_text(f"{CANARY},b\n1,2\n")
    (tmp_path / "home").mkdir()
    for name in ("ORC_SECRET_CANARY", "DBT_ENV_SECRET_CANARY", "GITHUB_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, CANARY)
    env = {**{k: v for k, v in os.environ.items() if not k.startswith(("ORC_PROF", "DBT_PROF"))}, "HOME": str(tmp_path / "home")}
    return Stranger(tmp_path / "work", outside, env)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody on this machine who would like to be called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
