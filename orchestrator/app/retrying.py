"""What ``retry`` does again: exactly the nodes of the last run that did not succeed, with that run's own options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.interval import Interval, instant
from orchestrator.core.plan import Request
from orchestrator.record.history import History

RETRIABLE = ("run", "build", "seed", "test", "snapshot", "retry")


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run that left something undone."""

    command: str
    nodes: tuple[str, ...]
    request: Request


def last_failure(history: History, given: Mapping[str, Any]) -> Past | None:
    """The last run, if something of it failed, was skipped, or never got a result. Options given now win over its own."""
    last = history.run(given["of"]) if given.get("of") else history.last_run(commands=RETRIABLE)
    nodes = history.unsuccessful(last.id) if last else ()
    if last is None or not nodes:
        return None
    before: dict[str, Any] = dict(last.arguments)
    command = str(last.command)
    request = Request(
        command=command,
        full_refresh=bool(before.get("full_refresh")),
        fail_fast=bool(given.get("fail_fast") if given.get("fail_fast") is not None else before.get("fail_fast")),
        empty=bool(before.get("empty")),
        gates=bool(before.get("gates", True)),
        store_failures=before.get("store_failures"),
        warn_error=bool(given.get("warn_error") or before.get("warn_error")),
        threads=given.get("threads") or before.get("threads"),
        on_conflict=before.get("on_conflict") or "wait",
        resource_types=("model", "seed", "snapshot", "test", "unit_test"),
        event_times=asked(before),
        batches=left(history, last.id),
        invocation=before,
        environment=before.get("environment") or "",
        state=before.get("state"),
        defer_state=before.get("defer_state"),
        defer=before.get("defer"),
        favor_state=bool(before.get("favor_state")),
        sample=before.get("sample"),
    )
    return Past(command, nodes, request)


def left(history: History, run: str) -> dict[str, tuple[Interval, ...]]:
    """The batches that failed, of models of which others succeeded: those are not built again."""
    found = {r.node: r.batches for r in history.results(run) if r.batches and r.batches["successful"] and r.batches["failed"]}
    return {node: tuple(Interval(*bounds) for bounds in batches["failed"]) for node, batches in found.items()}


def asked(arguments: Mapping[str, Any]) -> Interval | None:
    """The range of event times that a run was limited to."""
    start, end = arguments.get("event_time_start"), arguments.get("event_time_end")
    return Interval(instant(start), instant(end)) if start and end else None
