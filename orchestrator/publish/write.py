"""Artifacts on disk: each file whole or as it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from json import dumps
from pathlib import Path

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.project import Secret, mask


def write(files: Mapping[str, str | Iterable[str | bytes]], out: Path, secrets: Iterable[Secret] = ()) -> tuple[str, ...]:
    """Write texts by POSIX path below ``out``, each by replacing the old file in one step; returns the paths that changed.

    A text may come in pieces, which are written as they come. A file that says the same already is left alone. Values of
    ``secrets`` are written as stars.

    Raises:
        StoreError: a path leads out of ``out``, or the disk is full or refuses.
    """
    hidden = tuple(s for secret in secrets for s in (secret, Secret(dumps(secret.reveal())[1:-1])))
    made: set[Path] = set()
    changed: list[str] = []
    for name, text in files.items():
        path = out / _inside(name)
        contents = _contents([text] if isinstance(text, str) else text, hidden)
        try:
            if isinstance(text, str):
                content = next(contents)
                if _same(path, content):
                    continue
                contents = iter((content,))
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            _replace(path, contents)
        except OSError as error:
            raise StoreError(_problem(path, error)) from error
        changed.append(name)
    return tuple(changed)


def _contents(pieces: Iterable[str | bytes], hidden: Sequence[Secret]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield mask(piece.decode(), hidden).encode() if hidden else piece
        else:
            yield (mask(piece, hidden) if hidden else piece).encode("utf-8", "backslashreplace")


def _inside(name: str) -> str:
    parts = name.split("/")
    if not any(p not in ("", ".") for p in parts) or parts[0] == "" or ".." in parts or any(c in name for c in ":\0\\"):
        raise StoreError(Problem("S006", f"`{name}` is not a place below the target folder; nothing was written there"))
    return name


def _same(path: Path, content: bytes) -> bool:
    try:
        if path.stat().st_size != len(content):
            return False
        return path.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _replace(path: Path, contents: Iterator[bytes]) -> None:
    # The process's number keeps two runs apart that write the same folder; a killed run's leftover is overwritten or ignored.
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.writelines(contents)
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def _problem(path: Path, error: OSError) -> Problem:
    if error.errno in (ENOSPC, EDQUOT):
        return Problem(
            "S006",
            f"the disk is full: `{path}` was not written, its old version (if any) is untouched",
            hint="free some space and run again",
        )
    return Problem(
        "S006",
        f"`{path}` cannot be written ({error.strerror or error})",
        hint="is the target folder writable? `--target-path` chooses another",
    )
