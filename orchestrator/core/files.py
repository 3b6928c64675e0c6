"""Where things are written: places in the author's files, and the tree of files itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file the author wrote. Lines and columns count from 1; ``length`` is in characters.

    >>> str(Span("models/a.sql", 14, 8))
    'models/a.sql:14:8'
    """

    path: str
    line: int = 1
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def digest(content: bytes) -> str:
    """Name a piece of content by what it says (16 bytes of BLAKE2b, in hex)."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class FileTree(Protocol):
    """The files of a project, by POSIX path relative to its root. The only way stages see a disk."""

    def paths(self) -> Iterable[str]:
        """All files, sorted by path."""
        ...

    def digest(self, path: str) -> str:
        """The content's :func:`digest`; cheap when the file did not change since it was last read."""
        ...

    def bytes(self, path: str) -> bytes:
        """The content. Raises ``FileNotFoundError`` for a path that is not in the tree."""
        ...

    def where(self, path: str) -> str:
        """How to open the file from outside, e.g. for an engine that reads it itself (absolute path)."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """A tree given as a mapping: tests, examples and scaffolds.

    >>> MemoryTree({"models/a.sql": "select 1"}).bytes("models/a.sql")
    b'select 1'
    """

    files: Mapping[str, str]

    def paths(self) -> Iterable[str]:
        """All files, sorted by path."""
        return sorted(self.files)

    def digest(self, path: str) -> str:
        """The content's digest."""
        return digest(self.bytes(path))

    def bytes(self, path: str) -> bytes:
        """The content, as UTF-8."""
        try:
            return self.files[path].encode()
        except KeyError:
            raise FileNotFoundError(path) from None

    def where(self, path: str) -> str:
        """A memory tree has no outside; the path itself."""
        return path
