"""What can go wrong, as data.

The tree::

    OrcError
    ├── UsageError     U  the command line asks for something impossible
    ├── ConfigError    C  pyproject.toml, dbt_project.yml, profiles.yml, properties YAML
    ├── RenderError    R  a template
    ├── ParseError     P  SQL, Python or CSV text
    ├── LinkError      L  names, cycles, duplicates
    ├── PlanError      N  what is asked cannot be planned
    ├── ExecuteError   X  the warehouse refused, or user code failed
    ├── WarehouseError W  no connection to the warehouse
    ├── StoreError     S  the state database or the disk
    └── ForgeError     U  GitHub or GitLab, where the pull request is

One class per *handling*, not per sentence: every sentence is a :class:`Problem` with a code of its own. A stage collects
all its problems and raises once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from orchestrator.core.files import Span


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: ``what`` (``message``), where (``span``), how it came there (``trail``), and a ``hint``.

    ``code`` is one letter for the stage and three digits, documented in ``docs/errors.md``.
    ``trail`` holds the places that led to ``span``, outermost first: macro call sites, or the edges of a cycle.
    """

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    trail: tuple[tuple[str, Span], ...] = ()
    severity: str = "error"
    node: str | None = None

    def as_warning(self) -> Problem:
        """The same problem, reported without stopping anything."""
        return replace(self, severity="warning")

    def __str__(self) -> str:
        place = f" ({self.span})" if self.span else ""
        return f"{self.severity}[{self.code}]: {self.message}{place}"


class OrcError(Exception):
    """Anything the author or operator can do something about. Carries one or more problems; exit code 2."""

    type_name: ClassVar[str] = "DbtRuntimeError"

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems

    @property
    def first(self) -> Problem:
        """The problem a caller shows when it can show one only."""
        return self.problems[0]


class UsageError(OrcError):
    """The command line asks for something that cannot be."""

    type_name = "DbtUsageException"


class ConfigError(OrcError):
    """A project, profile or properties file says something that cannot be."""

    type_name = "DbtProjectError"


class ProfileError(ConfigError):
    """profiles.yml is missing, wrong, or lacks the profile or target asked for."""

    type_name = "DbtProfileError"


class RenderError(OrcError):
    """A template does not render."""

    type_name = "CompilationError"


class ParseError(OrcError):
    """A model, test or seed is not what its file name says it is."""

    type_name = "ParsingError"


class LinkError(OrcError):
    """Names do not resolve, are ambiguous or duplicated, or form a cycle."""

    type_name = "DependencyError"


class DuplicateError(LinkError):
    """Two resources have one name, or one relation."""

    type_name = "DuplicateResourceNameError"


class PlanError(OrcError):
    """What was asked cannot be planned."""

    type_name = "DbtRuntimeError"


class ExecuteError(OrcError):
    """The warehouse refused a statement, or user code raised.

    ``position`` is the offset in the statement sent that the engine points at; ``transient`` says whether trying again may help.
    ``later`` says that it may help after some time only, at least so many seconds: what user code could not reach.
    """

    type_name = "DbtDatabaseError"

    def __init__(
        self, *problems: Problem, position: int | None = None, transient: bool = False, cancelled: bool = False, later: float | None = None
    ) -> None:
        super().__init__(*problems)
        self.position = position
        self.transient = transient
        self.cancelled = cancelled
        self.later = later


class Retry(Exception):  # noqa: N818 - authors raise it: it reads as what they ask for
    """What a Python model raises that wants to be tried again ``after`` so many seconds; needs ``retries`` in its config."""

    def __init__(self, message: str = "the model asks to be tried again", *, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class WarehouseError(OrcError):
    """The warehouse cannot be reached."""

    type_name = "FailedToConnectError"


class StoreError(OrcError):
    """The state database or the disk refuses."""

    type_name = "DbtRuntimeError"


class ForgeError(OrcError):
    """The forge refuses, or does not answer. ``transient``: trying again may help, ``after`` so many seconds if it said so."""

    def __init__(self, *problems: Problem, transient: bool = False, after: float | None = None) -> None:
        super().__init__(*problems)
        self.transient = transient
        self.after = after


def did_you_mean(name: str, known: Iterable[str], *, also: str = "") -> str | None:
    """A hint naming the closest known spelling, or ``None``.

    >>> did_you_mean("stg_order", ["stg_orders", "customers"])
    'did you mean `stg_orders`?'
    """
    from difflib import get_close_matches

    by_fold = {k.casefold(): k for k in known}
    close = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{by_fold[close[0]]}`?"
    return also or None
