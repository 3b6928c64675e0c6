"""How much a caged process may use, and the limits of the system that say so."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """``seconds`` on the wall, ``cpu`` seconds of work, ``memory`` bytes of address space, ``answer`` bytes of what comes back.

    ``file`` and ``total`` are bytes of one file and of all files that are read, ``files`` how many those may be.
    """

    seconds: float = 120.0
    cpu: int = 90
    memory: int = 2048 * MEGABYTE
    answer: int = 16 * MEGABYTE
    file: int = 20 * MEGABYTE
    total: int = 256 * MEGABYTE
    files: int = 50_000


def bound(bounds: Bounds) -> tuple[str, ...]:
    """Limit this process for good. What could not be limited is named; nothing where all could.

    There is no way back: hard limits are set. A process that used up its CPU time is ended by the system, one that asks for more
    memory gets a ``MemoryError``, one that writes a file an ``OSError``.
    """
    try:
        import resource
    except ImportError:  # not a POSIX system
        return ("cpu", "memory", "files", "processes")
    wanted = (
        ("cpu", "RLIMIT_CPU", bounds.cpu),
        ("memory", "RLIMIT_AS", bounds.memory),
        ("core", "RLIMIT_CORE", 0),
        ("files", "RLIMIT_FSIZE", 0),
        ("open files", "RLIMIT_NOFILE", 128),
        ("processes", "RLIMIT_NPROC", 0),
    )
    missing = []
    for name, constant, most in wanted:
        kind = getattr(resource, constant, None)
        try:
            if kind is None:
                missing.append(name)
                continue
            hard = resource.getrlimit(kind)[1]
            later = 1 if name == "cpu" else 0  # at the soft limit a signal says why, a second later the hard one ends it in any case
            soft, end = (n if hard == resource.RLIM_INFINITY else min(n, hard) for n in (most, most + later))
            resource.setrlimit(kind, (soft, end))
        except (OSError, ValueError):
            missing.append(name)
    return tuple(missing)
