"""The site on disk: what changed is replaced, what is gone is deleted, what is not ours stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.core.errors import Problem, StoreError, UsageError
from orchestrator.core.project import Secret
from orchestrator.publish.site.page import GENERATOR
from orchestrator.publish.write import write

RECORD = ".orc-docs.json"
"""What we wrote into a folder: names, sizes and times, and what all of it was made of."""

_OURS = ("data/", "assets/")


def current(out: Path, made_of: str) -> int:
    """How many files a folder has, when each is as it was written and all were made of the same; else 0."""
    record = _record(out)
    if record.get("made_of") != made_of or not all(_stat(out / name) == stat for name, stat in record["files"].items()):
        return 0
    return len(record["files"])


def place(files: Iterable[tuple[str, str]], out: Path, secrets: Sequence[Secret], made_of: str = "") -> tuple[int, int]:
    """Write files as they come; returns how many there are and how many of them changed or went.

    Raises:
        UsageError: U049, there is somebody else's page.
        StoreError: the disk is full or refuses.
    """
    check(out / "index.html")
    before: Mapping[str, Any] = _record(out)["files"]
    now: dict[str, Any] = {}
    changed = 0
    for name, text in files:
        changed += len(write({name: text}, out, secrets))
        now[name] = _stat(out / name)
    gone = [name for name in before if name not in now and name.startswith(_OURS) and ".." not in name.split("/")]
    for name in gone:
        try:
            (out / name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(Problem("S006", f"`{name}` is outdated and cannot be deleted ({error.strerror or error})")) from error
    write({RECORD: json.dumps({"made_of": made_of, "files": now})}, out)
    return len(now), changed + len(gone)


def check(page: Path) -> None:
    """Refuse to write over a page that is not ours.

    Raises:
        UsageError: U049.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        if page.is_dir() or f'content="{GENERATOR}"' not in page.read_text(encoding="utf-8", errors="replace")[:4000]:
            raise UsageError(Problem("U049", f"`{page}` is there already, and is no page of ours", hint="--output names another place"))


def _record(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out / RECORD).read_text(encoding="utf-8"))
        if isinstance(found["files"], dict):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"files": {}}


def _stat(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
