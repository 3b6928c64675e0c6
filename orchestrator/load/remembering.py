"""Where the history of runs is kept, and for how long: asked before, and without, everything else of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.core.patience import duration

OWN_FILE = "pyproject.toml"
SCHEMES = ("postgresql://", "postgres://")
VARIABLE = "ORC_STATE_URL"


@dataclass(frozen=True, slots=True)
class Remembering:
    """``url`` of a server, or ``None`` for the file beside the project; ``keep``: for how long runs are remembered (``None``: for ever)."""

    url: str | None = None
    keep: timedelta | None = None


def remembering(root: Path, env: Mapping[str, str]) -> Remembering:
    """What the environment and the project file say: ``ORC_STATE_URL`` over ``state``; ``keep`` below ``[tool.orchestrator.history]``.

    Raises:
        ConfigError: C240, a URL that is none of Postgres, or a ``keep`` that is no duration.
    """
    import tomllib

    said: Mapping[str, object] = {}
    try:
        content = (root / OWN_FILE).read_bytes()
        if b"state" in content or b"history" in content:
            tables = tomllib.loads(content.decode()).get("tool", {}).get("orchestrator", {})
            said = tables if isinstance(tables, Mapping) else {}
    except (OSError, ValueError):  # not there, or not readable: whoever loads the project says so
        said = {}
    url = env.get(VARIABLE) or said.get("state")
    if url is not None and not (isinstance(url, str) and url.startswith(SCHEMES)):
        where = f"`{VARIABLE}`" if env.get(VARIABLE) else "`state`"
        hint = 'state = "postgresql://user@host/database"; without it the history is in .orchestrator/state.db'
        raise ConfigError(Problem("C240", f"{where} is no URL of a Postgres server", None if env.get(VARIABLE) else Span(OWN_FILE), hint))
    history = said.get("history")
    keep = history.get("keep") if isinstance(history, Mapping) else None
    return Remembering(url, None if keep is None else kept(keep))


def kept(value: object) -> timedelta:
    """For how long history is kept. Raises ``ConfigError`` (C240) for what is no duration.

    >>> kept("90d")
    datetime.timedelta(days=90)
    """
    try:
        return timedelta(seconds=duration(value))
    except ValueError as wrong:
        raise ConfigError(Problem("C240", f"history: {wrong}", Span(OWN_FILE), 'keep = "90d"')) from None
