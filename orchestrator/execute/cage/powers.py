"""What a caged process may not be: root, a member of the host's network, anybody's tracer."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CAPSET = {"x86_64": 126, "aarch64": 91}


def orphaned() -> None:
    """Linux ends this process with its parent, even while native code never lets Python run; and it leaves no image of its memory."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        end_with_parent, dumpable = 1, 4
        libc.prctl(end_with_parent, signal.SIGKILL, 0, 0, 0)
        libc.prctl(dumpable, 0, 0, 0, 0)


@contextmanager
def private() -> Iterator[None]:
    """Meanwhile keep other processes of the same user from looking into *this* one (its environment, its memory), as far as the system can.

    For the one that starts a cage; Linux only.
    """
    if sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None)
    get_dumpable, set_dumpable = 3, 4
    before = libc.prctl(get_dumpable, 0, 0, 0, 0)
    libc.prctl(set_dumpable, 0, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(set_dumpable, before, 0, 0, 0)


def network() -> bool:
    """Move this process into a network of its own, with nothing in it; whether the system lets us."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    new_user, new_network, new_ipc = 0x10000000, 0x40000000, 0x08000000
    return bool(libc.unshare(new_user | new_network | new_ipc) == 0 or libc.unshare(new_network | new_ipc) == 0)


def powers() -> bool:
    """Give up every capability for good; whether that is done. Without any, root may do no more than other users with its files."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, drop_bounding = 38, 24
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    for capability in range(64):
        libc.prctl(drop_bounding, capability, 0, 0, 0)
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return False
    version_3 = 0x20080522
    header, none = struct.pack("Ii", version_3, 0), bytes(24)
    return bool(libc.syscall(number, ctypes.c_char_p(header), ctypes.create_string_buffer(none, len(none))) == 0)
