"""``model.batch``, ``interval_start``, ``interval_end``: the interval of event time that a model is being built for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from orchestrator.core.interval import ALWAYS, SIZES, BatchSize, Interval, batch_name
from orchestrator.render.facades import Config
from orchestrator.render.scope import Scope


def is_microbatch(scope: Scope) -> bool:
    """Whether the template is of a model that is built by interval, as far as its configuration is known by now."""
    found: object = Config(scope.declaration.config, scope.recorder).get("incremental_strategy")
    return found == "microbatch"


def interval_of(scope: Scope) -> Interval:
    """The interval of this render; all of time where it is for no batch."""
    found = scope.live.extra.get("interval") if scope.live else None
    return found if isinstance(found, Interval) else ALWAYS


class ModelFacts(dict[str, Any]):
    """``model``: facts by key or attribute. ``batch`` is there for a model that is built by interval, and ``None`` for any other.

    Which of the two is known when it is looked at: templates fetch their names before they call ``config``.
    """

    def __init__(self, facts: Mapping[str, Any], scope: Scope) -> None:
        super().__init__(facts)
        self["batch"] = None
        self._scope = scope

    @property
    def batch(self) -> Batch | None:
        """The batch of this render."""
        scope = self._scope
        if scope.declaration.kind != "model" or not is_microbatch(scope):
            return None
        size = Config(scope.declaration.config, scope.recorder).get("batch_size", "day")
        return Batch(interval_of(scope), str(size).lower(), lambda: scope.recorder.asked("interval"))

    def __getitem__(self, key: str) -> Any:
        return self.batch if key == "batch" else super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The fact called ``key``, or ``default``."""
        return self[key] if key in self else default  # noqa: SIM401 - that would be this very function


class Batch:
    """dbt's ``model.batch``. Naming it is free; looking at its bounds makes the template one that is rendered for each batch."""

    __slots__ = ("_interval", "_note", "_size")

    def __init__(self, interval: Interval, size: str, note: Callable[[], None]) -> None:
        self._interval = interval
        self._size = size
        self._note = note

    @property
    def event_time_start(self) -> datetime:
        """The first instant of the batch, in UTC."""
        self._note()
        return self._interval.start

    @property
    def event_time_end(self) -> datetime:
        """The first instant behind the batch, in UTC."""
        self._note()
        return self._interval.end

    @property
    def id(self) -> str:
        """The batch's beginning without punctuation: ``20250101``."""
        self._note()
        size: BatchSize = next((s for s in SIZES if s == self._size), "day")
        return batch_name(self._interval.start, size).replace("-", "")
