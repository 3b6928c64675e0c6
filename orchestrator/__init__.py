"""orc: a SQL-first transformation orchestrator. ``Project`` and ``invoke`` are the Python API; the rest is ours to change."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import Retry
from orchestrator.core.version import VERSION as __version__  # noqa: N811 - the conventional name

if TYPE_CHECKING:
    from orchestrator.api import Project, invoke

__all__ = ["Project", "Retry", "__version__", "invoke"]


def __getattr__(name: str) -> Any:
    """Load the API when it is asked for: ``orc --help`` imports this package too."""
    if name in ("Project", "invoke"):
        return getattr(import_module("orchestrator.api"), name)
    raise AttributeError(f"module `orchestrator` has no attribute `{name}`")
