"""What ``orc ci`` is asked for, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.plan import Request


@dataclass(frozen=True, slots=True)
class Asked:
    """``base`` is a revision of git, ``against`` the target that production is in (empty: not said). ``environment`` names the schemas
    (empty: told by the server or the branch). ``widen`` builds all descendants of what changed. ``diff`` compares data, with ``rows``
    examples of what is different. ``fail_on`` are things that block besides the usual. ``command`` is how to do the same again.
    """

    request: Request
    base: str = ""
    against: str = ""
    environment: str = ""
    widen: bool = False
    diff: bool = True
    rows: int = 0
    fail_on: tuple[str, ...] = ()
    allow_breaking: bool = False
    command: str = "orc ci"
