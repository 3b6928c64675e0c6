"""Where lineage events go, and in whose name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.core.project import Secret


@dataclass(frozen=True, slots=True)
class Emission:
    """``kind`` says how: appended to the file ``path``, posted to ``url`` (with ``key`` as bearer token), or printed on stderr.

    ``namespace`` is that of our jobs (empty: the project's name). ``parent`` is the run that ours is part of, as its namespace, name and
    id. ``timeout`` is in seconds.
    """

    kind: Literal["file", "http", "console"]
    path: Path | None = None
    url: str = ""
    key: Secret | None = None
    timeout: float = 5.0
    namespace: str = ""
    parent: tuple[str, str, str] | None = None
