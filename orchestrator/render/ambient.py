"""Values that differ from run to run: noticed when looked at, not when named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Ambient:
    """A value that is recorded only when the template really looks at it (``execute``, ``invocation_id``)."""

    __slots__ = ("_note", "_value")

    def __init__(self, value: Any, note: Callable[[], None]) -> None:
        self._value = value
        self._note = note

    def _look(self) -> Any:
        self._note()
        return self._value

    def __bool__(self) -> bool:
        return bool(self._look())

    def __str__(self) -> str:
        return str(self._look())

    def __eq__(self, other: object) -> bool:
        return bool(self._look() == other)

    def __hash__(self) -> int:
        return hash(self._look())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._look(), name)

    def __getitem__(self, name: Any) -> Any:
        return self._look()[name]

    def __iter__(self) -> Any:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def __add__(self, other: Any) -> Any:
        return self._look() + other

    def __radd__(self, other: Any) -> Any:
        return other + self._look()
