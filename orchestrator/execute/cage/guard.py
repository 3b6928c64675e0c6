"""The innermost fence, on every system: Python itself refuses what a caged process may not do.

An audit hook, once added, cannot be taken out again. It stops what goes through Python; native code it does not see, that is what the
system's own fences are for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

_REFUSED = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.startfile", "os.kill", "pty.", "ctypes.",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.chflags",
    "os.setxattr", "os.removexattr", "os.utime", "os.lockf", "os.putenv", "os.unsetenv", "shutil.", "tempfile.", "webbrowser.", "winreg.",
    "signal.pthread_kill", "sqlite3.", "mmap.", "syslog.", "resource.",
)  # fmt: skip
_LOOKING = ("open", "os.listdir", "os.scandir", "glob.glob", "os.walk", "os.fwalk", "os.chdir")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def guard(readable: Iterable[str]) -> None:
    """Refuse, from now on, everything but reading below ``readable``."""
    inside = tuple({os.path.realpath(path) for path in readable})
    below = tuple(path.rstrip(os.sep) + os.sep for path in inside)
    real, exact = os.path.realpath, frozenset(inside)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in _LOOKING:
            if event == "open" and isinstance(given[2], int) and given[2] & _WRITING:
                raise PermissionError(f"{event} for writing is not allowed here")
            path = given[0]
            if isinstance(path, int) or path is None:
                return
            full = real(os.fsdecode(path))
            if full not in exact and not full.startswith(below):
                raise PermissionError(f"{event} is not allowed there")
        elif event.startswith(_REFUSED):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
