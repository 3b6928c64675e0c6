"""Whether the process that wrote a run still lives."""

from __future__ import annotations

import os
from pathlib import Path


def alive(pid: int, born: str) -> bool:
    """Whether process ``pid`` of this machine runs and is the one that was ``born`` then, not a later one with its number."""
    if os.name == "nt":  # signal 0 does not ask there, it interrupts
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is there, and somebody else's
        pass
    state, now = _told(pid)
    return state not in ("Z", "X") and (not born or not now or born == now)


def birth(pid: int) -> str:
    """When a process started, in words only comparable to themselves; empty where the system does not tell."""
    return _told(pid)[1]


def _told(pid: int) -> tuple[str, str]:
    """State and birth of a process, as Linux tells them."""
    try:
        # The command in field 2 may contain blanks and parentheses. Field 3 is the state, 22 the start in ticks since boot.
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "", ""
    return (words[0], f"{boot}:{words[19]}") if len(words) > 19 else ("", "")
