"""A plan → events: worker threads around the frontier. Decides nothing; what was decided is in the plan."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Literal

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import Event, NodeFinished, NodeRetried, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.graph import Graph
from orchestrator.core.node import BUILDABLE
from orchestrator.core.plan import Plan, Task
from orchestrator.core.ports import Connection, Warehouse
from orchestrator.execute.again import again, cancelled, numbered
from orchestrator.execute.allowed import allowed, warned
from orchestrator.execute.batches import run_batches
from orchestrator.execute.commented import Commented
from orchestrator.execute.condition import condition
from orchestrator.execute.frontier import Frontier
from orchestrator.execute.lease import Pulse
from orchestrator.execute.places import Places
from orchestrator.execute.task import ATTEMPTS, Outcome, run_task
from orchestrator.execute.waiting import Waiting
from orchestrator.execute.watched import Watched
from orchestrator.execute.workshop import Workshop
from orchestrator.graph.lineage import label as named

POLL_SECONDS = 0.2
"""How often a cancel is repeated: one that arrives between two statements stops neither."""

PATIENCE_SECONDS = 15.0
"""How long the end of a run waits for threads whose work was cancelled."""


@dataclass(slots=True)
class _Crew:
    """Threads, their connections and the queue they answer on."""

    warehouse: Warehouse
    shop: Workshop
    events: SimpleQueue[Event | Outcome | Literal["interrupt"]] = field(default_factory=SimpleQueue)
    work: SimpleQueue[tuple[Task, int] | None] = field(default_factory=SimpleQueue)
    connections: list[Connection] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, Task] = field(default_factory=dict)
    interrupted: bool = False

    def start(self, count: int) -> None:
        for number in range(1, count + 1):
            thread = threading.Thread(target=self._serve, name=f"Thread-{number}", daemon=True)
            thread.start()
            self.threads.append(thread)

    def give(self, task: Task, number: int = 1) -> None:
        self.running[task.node] = task
        self.work.put((task, number))

    def hear(self) -> Event | Outcome | Literal["interrupt", "nothing"]:
        """What somebody says next; ``nothing`` after a while of silence."""
        try:
            heard = self.events.get(timeout=POLL_SECONDS)
        except Empty:
            if not self.running or any(thread.is_alive() for thread in self.threads):
                return "nothing"
            # Nobody is left who could say how it ended: waiting on would be for ever.
            heard = Outcome.crashed(next(iter(self.running.values())), RuntimeError("the thread died"), self.shop)
        except KeyboardInterrupt:  # whoever runs us without handlers of their own
            return "interrupt"
        if isinstance(heard, Outcome):
            self.running.pop(heard.task.node, None)  # one that waited for its next attempt was not running
        return heard

    def hear_of(self, task: Task) -> Callable[[Event], None]:
        """Where a task says what happens while it runs."""
        return (lambda event: self.events.put(warned(event, task))) if task.allowed else self.events.put

    def interrupt(self) -> None:
        """Somebody wants the run to end. Safe in a signal handler: putting into this queue may interrupt itself."""
        self.events.put("interrupt")

    def cancel(self) -> None:
        """Stop what runs, on the server too; whoever is between two statements sees the flag."""
        self.shop.cancelled.set()
        with self.guard:
            for connection in self.connections:
                with contextlib.suppress(Exception):
                    connection.cancel()

    def stop(self) -> None:
        """Let the threads go. What still runs (the caller left early) is cancelled first."""
        for _ in self.threads:
            self.work.put(None)
        until = time.monotonic() + PATIENCE_SECONDS
        for thread in self.threads:
            while thread.is_alive() and time.monotonic() < until:
                if self.running:
                    self.cancel()
                thread.join(POLL_SECONDS)

    def _serve(self) -> None:
        connection: Connection | None = None
        while (work := self.work.get()) is not None:
            task, number = work
            hear = self.hear_of(task)
            try:
                connection = connection or self._connect()
                said = self.shop.comment(task.node) if self.shop.comment else None
                spoken = Commented(connection, said) if said else connection
                if self.shop.versions is not None and task.kind in BUILDABLE:
                    self.shop.versions.begin(task.node, self.shop.clock.now())
                if self.shop.watch is not None:
                    spoken = Watched(spoken, task.node, self.shop.watch, self.shop.clock)
                if (declined := condition(task, spoken, self.shop)) is not None:
                    outcome = declined
                elif task.batches:
                    outcome = run_batches(task, spoken, self.shop, hear)
                else:
                    outcome = run_task(task, spoken, self.shop, hear, number=number)
            except BaseException as error:  # noqa: BLE001 - whatever happens, the task must end and say so
                outcome = Outcome.crashed(task, error, self.shop)
            if outcome.crash and connection is not None:  # the next task gets a fresh one
                self._disconnect(connection)
                connection = None
            retry = again(task, outcome, number, self.shop, random.random())  # noqa: S311 - jitter, not a secret
            self.events.put(replace(outcome, retry=retry) if retry else numbered(outcome, number))
        if connection is not None:
            self._disconnect(connection)

    def _connect(self) -> Connection:
        connection = self.warehouse.connect()
        with self.guard:
            self.connections.append(connection)
        return connection

    def _disconnect(self, connection: Connection) -> None:
        with self.guard:
            self.connections.remove(connection)
        with contextlib.suppress(Exception):
            connection.close()


def execute(plan: Plan, graph: Graph, warehouse: Warehouse, shop: Workshop, started: RunStarted) -> Iterator[Event]:  # noqa: ARG001 - the pipeline hands it on
    """Run the plan. Yields what happens as it happens; never raises for a failed step.

    When somebody asks for an end (``shop.interruptible``), the queries are cancelled on the server, every running task ends,
    the rest is reported as cancelled, and the last event is ``RunFinished(cancelled=True)``.

    Raises:
        OrcError: before the first event, when the warehouse refuses what every run needs (schemas, ledger): nothing ran.
    """
    begin = shop.clock.monotonic()
    _prepare(plan, warehouse)
    yield started
    numbering = _Numbering()
    for task in plan.reused:
        yield _reused(task, shop, numbering.next(task.node))
    for id_, problem in plan.blamed:
        yield numbering(_blamed(id_, problem, shop))
    for task, because in plan.withheld:
        yield numbering(_withheld(task, because, shop))
    crew = _Crew(warehouse, shop)
    with shop.interruptible(crew.interrupt), Pulse(warehouse, shop.leasing.run) if _leases(plan) else contextlib.nullcontext():
        try:
            crew.start(max(1, min(plan.threads, len(plan.tasks))))
            failed = yield from _hooks(plan.before, crew, numbering, stop_at_failure=True)
            if failed is None:
                yield from _run(plan.tasks, crew, numbering, plan.forecast.seconds, fail_fast=plan.fail_fast)
            else:
                for task in plan.tasks:
                    yield from map(numbering, _never(task, failed, crew))
            if not crew.interrupted:
                shop.cancelled.clear()  # set by fail-fast, over now: on-run-end hooks run whatever happened
                yield from _hooks(plan.after, crew, numbering, stop_at_failure=False)
        finally:
            crew.stop()
    yield RunFinished(shop.clock.now(), started.run, shop.clock.monotonic() - begin, crew.interrupted)


def _reused(task: Task, shop: Workshop, number: int) -> NodeFinished:
    """The end of a node that is as it should be already."""
    relation = str(task.relation) if task.relation else None
    return NodeFinished(
        shop.clock.now(), task.node, task.kind, task.label, number, Status.REUSED, 0.0, "main", task.reason, relation=relation
    )


def _blamed(id_: str, problem: Problem, shop: Workshop) -> NodeFinished:
    """The end of a source that nothing is to be built from."""
    node = shop.graph.nodes[id_]
    label, where = f"freshness of {named(node)}", str(node.relation) if node.relation else None
    at = shop.clock.now()
    return NodeFinished(at, id_, node.kind, label, 0, Status.FAILED, 0.0, "main", problem.message, relation=where, problem=problem)


def _withheld(task: Task, because: str, shop: Workshop) -> NodeFinished:
    """The end of a node that is not to be built from what it would read."""
    relation = str(task.relation) if task.relation else None
    told = (task.node, task.kind, task.label, 0, Status.SKIPPED, 0.0, "main", task.reason)
    return NodeFinished(shop.clock.now(), *told, because=because, relation=relation)


def _leases(plan: Plan) -> bool:
    return any(t.leased for t in plan.tasks)


def _prepare(plan: Plan, warehouse: Warehouse) -> None:
    """Schemas and the ledger, before anything runs in parallel."""
    if plan.prepare:
        connection = warehouse.connect()
        try:
            for statement in plan.prepare:
                _made(statement.sql, connection)
        finally:
            connection.close()


def _made(sql: str, connection: Connection) -> None:
    """Send what makes something if it is not there; once more when another run just made it."""
    for number in range(1, ATTEMPTS + 1):
        try:
            connection.execute(sql)
        except ExecuteError as error:
            if not error.transient or number == ATTEMPTS:
                raise
            time.sleep(random.uniform(0, 0.02 * 4**number))  # noqa: S311 - jitter, not a secret
        else:
            return


def _hooks(tasks: Sequence[Task], crew: _Crew, numbering: _Numbering, *, stop_at_failure: bool) -> Generator[Event, None, str | None]:
    """on-run-start or on-run-end, one after the other; a failure is the hook's own and marks no model. Returns the first that failed."""
    failed: str | None = None
    for task in tasks:
        if (failed is not None and stop_at_failure) or crew.interrupted:
            break
        for event in _run((task,), crew, numbering):
            if isinstance(event, NodeFinished) and event.status is not Status.PASSED:
                failed = failed or task.node
            if not isinstance(event, NodeStarted) and not (isinstance(event, NodeFinished) and event.status is Status.PASSED):
                yield event  # hooks that went well are not worth a numbered line
    return failed


def _run(
    tasks: Sequence[Task], crew: _Crew, numbering: _Numbering, expected: Mapping[str, float] | None = None, *, fail_fast: bool = False
) -> Iterator[Event]:
    frontier = Frontier(tasks, expected)
    waiting = Waiting()
    places = Places(crew.shop.pools, crew.shop.clock)
    stopping = crew.interrupted
    while True:
        for outcome, number in waiting.all() if stopping else ():  # nobody waits for what will not be tried
            crew.events.put(cancelled(outcome, number, crew.shop) if crew.interrupted else numbered(outcome, number))
        while not stopping and len(crew.running) < len(crew.threads):
            if (held := places.due()) is not None:
                crew.give(*held)
                continue
            due = waiting.due(crew.shop.clock.monotonic())
            if due is None and (task := frontier.take()) is not None:
                due = (task, 1)
            if due is None:
                break
            if places.admit(*due):
                crew.give(*due)
        if not crew.running and not waiting and (stopping or not places) and crew.events.empty():
            break
        heard = crew.hear()
        yield from crew.shop.said()
        if isinstance(heard, Outcome):
            places.over(heard)
        yield from places.said()
        if heard == "nothing":
            if stopping:
                crew.cancel()
        elif heard == "interrupt":
            if crew.interrupted:
                raise KeyboardInterrupt
            crew.interrupted = stopping = True
            crew.cancel()
            yield Noted(crew.shop.clock.now(), "warn", "Interrupted: cancelling what runs; press Ctrl-C again to stop at once")
        elif not isinstance(heard, Outcome):
            yield numbering(heard)
        elif heard.retry is not None and not stopping:
            yield numbering(heard.retry)
            waiting.add(heard, crew.shop.clock.monotonic())
        else:
            yield from map(numbering, (heard := allowed(heard, crew.shop)).events)
            if heard.ok:
                frontier.succeed(heard.task.node)
            else:
                left = frontier.decline(heard.task.node, failed=heard.excused) if heard.declined else frontier.fail(heard.task.node)
                for task, because in left:
                    yield from map(numbering, _never(task, None if crew.interrupted else because, crew, heard.word))
                if fail_fast and not stopping and not heard.declined:
                    stopping = True
                    crew.cancel()
    yield from crew.shop.said()
    for task in frontier.abandon(tuple(crew.running)):
        yield from map(numbering, _never(task, None, crew))


def _never(task: Task, because: str | None, crew: _Crew, word: str = "failed") -> Iterator[Event]:
    """The ends of a task that never ran, and of the tests it carried."""
    shop = crew.shop
    status = Status.CANCELLED if crew.interrupted else Status.SKIPPED
    message = "interrupted" if crew.interrupted else f"`{because}` {word}" if because else "Skipping due to fail_fast"
    for id_ in (*task.tests, *(() if task.kind in ("test", "unit_test") else (task.node,))):
        node = shop.graph.nodes[id_]
        own = id_ == task.node
        relation = str(task.relation) if own and task.relation else None
        label = task.label if own else node.name
        yield NodeFinished(shop.clock.now(), id_, node.kind, label, 0, status, 0.0, "main", message, because=because, relation=relation)


class _Numbering:
    """Counts results as they start: ``3 of 12``. The project's own hooks are not among the twelve."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def next(self, node: str) -> int:
        """The number of a node."""
        return self._numbers.setdefault(node, len(self._numbers) + 1)

    def __call__(self, event: Event) -> Event:
        if isinstance(event, NodeStarted | NodeRetried | NodeFinished) and event.kind != "operation":
            return replace(event, index=self.next(event.node))
        return event
