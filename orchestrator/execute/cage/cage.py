"""Lock this process in, before it reads anything that a stranger wrote. There is no way out but to end."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable

from orchestrator.execute.cage.bounds import Bounds, bound
from orchestrator.execute.cage.calls import calls
from orchestrator.execute.cage.guard import guard
from orchestrator.execute.cage.paths import paths
from orchestrator.execute.cage.powers import network, orphaned, powers

LAYERS = ("limits", "privileges", "network namespace", "files", "system calls", "python")
"""The fences, from the outside in. Any of them can be missing on some system; :func:`cage` says which hold."""

_SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
)


def cage(bounds: Bounds, trees: Iterable[str]) -> tuple[str, ...]:
    """Limit this process and take from it the network, other programs, and all files but ``trees`` and Python's own, to read.

    The names of the layers that hold. Must be called before a second thread is started.
    """
    readable = (*trees, *_own())
    held = ["limits"] if not bound(bounds) else []
    orphaned()
    alone = network()
    if powers():
        held.append("privileges")
    if alone:
        held.append("network namespace")
    if paths((*readable, *_SYSTEM)):
        held.append("files")
    if calls():
        held.append("system calls")
    guard((*readable, *_SYSTEM))
    return (*held, "python")


def _own() -> tuple[str, ...]:
    """Where Python and its packages are; of a folder that holds more than packages, only our own one."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    ours = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    packages = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages", "lib-dynload") or p.endswith(".zip")]  # noqa: PTH119
    return (package, *dict.fromkeys([*ours, *packages, os.path.join(sys.base_prefix, "lib")]))  # noqa: PTH118
