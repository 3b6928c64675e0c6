"""A plan → events: worker threads around the frontier. Decides nothing; what was decided is in the plan."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from orchestrator.core.event import Event, NodeFinished, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Plan, Task
from orchestrator.core.ports import Connection, Warehouse
from orchestrator.execute.frontier import Frontier
from orchestrator.execute.task import Outcome, Workshop, run_task

POLL_SECONDS = 0.2


@dataclass(slots=True)
class _Crew:
    """Threads, their connections and the queue they answer on."""

    warehouse: Warehouse
    events: SimpleQueue[Event | Outcome] = field(default_factory=SimpleQueue)
    work: SimpleQueue[Task | None] = field(default_factory=SimpleQueue)
    connections: list[Connection] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def start(self, count: int, shop: Workshop) -> None:
        for number in range(1, count + 1):
            thread = threading.Thread(target=self._serve, args=(shop,), name=f"Thread-{number}", daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, shop: Workshop) -> None:
        connection: Connection | None = None
        while (task := self.work.get()) is not None:
            try:
                if connection is None:
                    connection = self.warehouse.connect()
                    with self.guard:
                        self.connections.append(connection)
                outcome = run_task(task, connection, shop, self.events.put)
            except BaseException as error:  # noqa: BLE001 - whatever happens, the task must end and say so
                outcome = Outcome.crashed(task, error, shop)
            self.events.put(outcome)
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def cancel(self) -> None:
        with self.guard:
            for connection in self.connections:
                with contextlib.suppress(Exception):
                    connection.cancel()

    def stop(self) -> None:
        for _ in self.threads:
            self.work.put(None)
        for thread in self.threads:
            thread.join(timeout=15)


def execute(plan: Plan, graph: Graph, warehouse: Warehouse, shop: Workshop, started: RunStarted) -> Iterator[Event]:
    """Run the plan. Yields what happens as it happens; never raises for a failed step.

    ``KeyboardInterrupt`` while waiting cancels the queries on the server, lets every running task end, reports the rest as
    cancelled, and finishes with ``RunFinished(cancelled=True)``.
    """
    begin = shop.clock.monotonic()
    yield started
    numbering = _Numbering()
    cancelled = False
    crew = _Crew(warehouse)
    try:
        failed = yield from _prepare(plan, warehouse, shop, numbering)
        if failed is None:
            crew.start(max(1, min(plan.threads, len(plan.tasks))), shop)
            cancelled = yield from _run(plan, crew, shop, numbering)
        else:
            for task in plan.tasks:
                yield from map(numbering, _skipped(task, failed, shop))
        yield from _afterwards(plan, warehouse, shop, numbering)
    finally:
        crew.stop()
    yield RunFinished(shop.clock.now(), started.run, shop.clock.monotonic() - begin, cancelled)


def _prepare(plan: Plan, warehouse: Warehouse, shop: Workshop, numbering: _Numbering) -> Generator[Event, None, str | None]:
    """Schemas, the ledger and on-run-start, on one connection. Returns the node that failed, if one did."""
    if not plan.prepare and not plan.before:
        return None
    connection = warehouse.connect()
    try:
        for statement in plan.prepare:
            connection.execute(statement.sql)
        for task in plan.before:
            heard: list[Event] = []
            outcome = run_task(task, connection, shop, heard.append)
            yield from (numbering(e) for e in heard if _is_news(e))
            if not outcome.ok:
                return task.node
    finally:
        connection.close()
    return None


def _is_news(event: Event) -> bool:
    """Hooks that went well are not worth a numbered line."""
    return not isinstance(event, NodeStarted) and not (isinstance(event, NodeFinished) and event.status is Status.PASSED)


def _afterwards(plan: Plan, warehouse: Warehouse, shop: Workshop, numbering: _Numbering) -> Iterator[Event]:
    """on-run-end: its failure is its own and never marks a finished model as failed."""
    if not plan.after:
        return
    connection = warehouse.connect()
    try:
        for task in plan.after:
            heard: list[Event] = []
            run_task(task, connection, shop, heard.append)
            yield from (numbering(e) for e in heard if _is_news(e))
    finally:
        connection.close()


def _run(plan: Plan, crew: _Crew, shop: Workshop, numbering: _Numbering) -> Generator[Event, None, bool]:
    frontier = Frontier(plan.tasks)
    running: dict[str, Task] = {}
    cancelled = stopping = False
    while True:
        while not stopping and len(running) < len(crew.threads) and (task := frontier.take()) is not None:
            running[task.node] = task
            crew.work.put(task)
        if not running:
            break
        try:
            heard = crew.events.get(timeout=POLL_SECONDS)
        except Empty:
            continue
        except KeyboardInterrupt:
            if cancelled:
                raise
            cancelled = stopping = True
            shop.cancelled.set()
            crew.cancel()
            yield Noted(shop.clock.now(), "warn", "Interrupted: cancelling what runs; press Ctrl-C again to stop at once")
            continue
        if not isinstance(heard, Outcome):
            yield numbering(heard)
            continue
        del running[heard.task.node]
        yield from map(numbering, heard.events)
        if heard.ok:
            frontier.succeed(heard.task.node)
            continue
        for task, because in frontier.fail(heard.task.node):
            yield from map(numbering, _skipped(task, because, shop))
        if plan.fail_fast and not stopping:
            stopping = True
            shop.cancelled.set()
            crew.cancel()
    status = Status.CANCELLED if cancelled else Status.SKIPPED
    why = "interrupted" if cancelled else "Skipping due to fail_fast"
    for task in frontier.abandon(()):
        yield from map(numbering, _skipped(task, None, shop, status, why))
    return cancelled


def _skipped(task: Task, because: str | None, shop: Workshop, status: Status = Status.SKIPPED, why: str = "") -> Sequence[Event]:
    """The ends of a task that never ran, and of the tests it carried."""
    message = why or f"`{because}` failed"
    ids = list(task.tests) if task.kind in ("test", "unit_test") else [*task.tests, task.node]
    events: list[Event] = []
    for id_ in ids:
        node = shop.graph.nodes[id_]
        named = task.label if id_ == task.node else node.name
        events.append(NodeFinished(shop.clock.now(), id_, node.kind, named, 0, status, 0.0, "main", message, because=because, relation=str(task.relation) if task.relation and id_ == task.node else None))
    return events


class _Numbering:
    """Counts results as they start: ``3 of 12``."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, event: Event) -> Event:
        if isinstance(event, NodeStarted | NodeFinished):
            number = self._numbers.setdefault(event.node, len(self._numbers) + 1)
            return replace(event, index=number)
        return event

