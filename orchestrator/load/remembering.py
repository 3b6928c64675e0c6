"""Where the history of runs is kept, and for how long: asked before, and without, everything else of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orchestrator.core.duration import duration
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span

OWN_FILE = "pyproject.toml"
DBT_FILE = "dbt_project.yml"
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
    said, place = _said(root)
    url = env.get(VARIABLE) or said.get("state")
    if url is not None and not (isinstance(url, str) and url.startswith(SCHEMES)):
        where = f"`{VARIABLE}`" if env.get(VARIABLE) else "`state`"
        hint = 'state = "postgresql://user@host/database"; without it the history is in .orchestrator/state.db'
        raise ConfigError(Problem("C240", f"{where} is no URL of a Postgres server", None if env.get(VARIABLE) else Span(place), hint))
    history = said.get("history")
    keep = history.get("keep") if isinstance(history, Mapping) else None
    return Remembering(url, None if keep is None else kept(keep, place))


def kept(value: object, place: str = OWN_FILE) -> timedelta:
    """For how long history is kept. Raises ``ConfigError`` (C240) for what is no duration.

    >>> kept("90d")
    datetime.timedelta(days=90)
    """
    try:
        return timedelta(seconds=duration(value))
    except ValueError as wrong:
        raise ConfigError(Problem("C240", f"history: {wrong}", Span(place), 'keep = "90d"')) from None


def _said(root: Path) -> tuple[Mapping[str, object], str]:
    """The project file's settings as far as they are about history, and its name. What cannot be read, whoever loads the project says."""
    import tomllib

    try:
        content = (root / OWN_FILE).read_bytes()
        if b"orchestrator" in content:
            tables = tomllib.loads(content.decode()).get("tool", {}).get("orchestrator")
            if isinstance(tables, Mapping):
                return tables, OWN_FILE
    except (OSError, ValueError):
        pass
    try:
        content = (root / DBT_FILE).read_bytes()
        if re.search(rb"^(state|history)\s*:", content, re.MULTILINE):
            from orchestrator.load.yaml import read_yaml

            found = read_yaml(DBT_FILE, content).data
            return (found if isinstance(found, Mapping) else {}), DBT_FILE
    except (OSError, ConfigError):
        pass
    return {}, OWN_FILE
