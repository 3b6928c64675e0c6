"""Events without secrets: what an engine's message or a statement may have repeated is starred out before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from orchestrator.core.event import Event
from orchestrator.core.project import Secret, mask


def masked(event: Event, secrets: Sequence[Secret]) -> Event:
    """The event with every secret's value replaced, in all its texts.

    >>> from datetime import datetime, UTC
    >>> from orchestrator.core.event import Noted
    >>> masked(Noted(datetime(2026, 1, 1, tzinfo=UTC), "info", "password is hunter2"), [Secret("hunter2")]).message
    'password is ****'
    """
    if not secrets:
        return event
    changed: Event = _masked(event, secrets)
    return changed


def _masked(value: Any, secrets: Sequence[Secret]) -> Any:
    match value:
        case Enum():
            return value
        case str():
            return mask(str(value), secrets)
        case Mapping():
            return {key: _masked(inner, secrets) for key, inner in value.items()}
        case tuple():
            return tuple(_masked(inner, secrets) for inner in value)
        case list():
            return [_masked(inner, secrets) for inner in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: _masked(getattr(value, f.name), secrets) for f in fields(value)})
        case _:
            return value
