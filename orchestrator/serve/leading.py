"""Who leads: a lock that the kernel takes back from a process that is gone, however it went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from orchestrator.core.errors import Problem, StoreError

REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "lustre", "afs", "gfs2", "ocfs2"})
"""File systems on which a lock may hold on one machine only, or be forgotten."""


class Leading:
    """A lock on a file beside the state database, held as long as this process lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    @property
    def held(self) -> bool:
        """Whether we lead."""
        return self._file is not None

    def take(self) -> bool:
        """Try to lead, without waiting.

        Raises:
            StoreError: S011, the file cannot be locked here.
        """
        if self._file is not None:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+b")
        except OSError as error:
            raise StoreError(Problem("S011", f"`{self._path}` cannot be opened: {error.strerror}")) from error
        if not _locked(file):
            file.close()
            return False
        self._file = file
        return True

    def leave(self) -> None:
        """Let the next one lead."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _locked(file: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(
            Problem("S011", f"`{file.name}` cannot be locked: {error.strerror}", hint="put the project on a local file system")
        ) from error
    return True


def remote(path: Path, mounts: str | None = None) -> str | None:
    r"""The kind of network file system a path is on, ``None`` for a local one or where nobody tells.

    >>> remote(Path("/data/shop"), "srv:/x /data nfs4 rw 0 0\n/dev/sda1 / ext4 rw 0 0")
    'nfs4'
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    best, kind = "", None
    place = os.path.abspath(path)  # noqa: PTH100 - links stay
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        point = words[1].replace("\\040", " ")
        if (place == point or place.startswith(f"{point.rstrip('/')}/")) and len(point) >= len(best):
            best, kind = point, words[2]
    return kind if kind in REMOTE else None
