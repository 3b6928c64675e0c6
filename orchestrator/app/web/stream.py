"""Replies without an end: what happens in a run, and that something on the pages is new. Server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from orchestrator.app.web.runs import told
from orchestrator.app.web.seen import glance, history, known
from orchestrator.core.chronicle import Recorded
from orchestrator.core.files import digest
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk

POLL = 0.25
"""Seconds between two looks."""

SIGN = 10.0
"""Seconds after which a line without meaning shows whether anybody still listens."""

LONGEST = timedelta(days=2)
"""Runs that began earlier are not looked at for news."""

HEADERS = {"X-Accel-Buffering": "no"}
"""For proxies: what is sent is to arrive."""

Sleep = Callable[[float], None]


class Stream:
    """Pieces of a reply; ``done`` is called once, also when nobody ever asked for the first one."""

    def __init__(self, pieces: Iterator[bytes], done: Callable[[], object]) -> None:
        self._pieces = pieces
        self._done: Callable[[], object] | None = done

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Nobody wants more."""
        done, self._done = self._done, None
        if done is not None:
            done()

    def __del__(self) -> None:
        self.close()


def streamed(desk: Desk, pieces: Iterator[bytes]) -> Reply:
    """A reply that goes on, if there is a place for one more."""
    if not desk.streams.acquire(blocking=False):
        return wrong(503, "too many listen already", {"Retry-After": "10"})
    return Reply(200, Stream(pieces, desk.streams.release), HEADERS, "text/event-stream; charset=utf-8")


def events(desk: Desk, asked: Asked, sleep: Sleep = time.sleep) -> Reply:
    """What happens in a run, node by node, numbered without gaps; ``Last-Event-ID`` (or ``after``) is the last number somebody has."""
    recorded = history(desk).run(asked.places["run"])
    if recorded is None:
        return wrong(404, f"there is no run `{asked.places['run']}`")
    last = asked.request.headers.get("last-event-id") or asked.request.query.get("after") or "-1"
    try:
        after = int(last)
    except ValueError:
        return wrong(400, f"`{last}` is no number of an event")
    if recorded.status != "running" and not any(True for _ in numbered(recorded, history(desk).events(recorded.id), after)):
        return Reply(204, b"")  # a browser asks no more then
    return streamed(desk, _following(desk, recorded, after, sleep))


def _following(desk: Desk, recorded: Recorded, after: int, sleep: Sleep) -> Iterator[bytes]:
    silent = 0.0
    seen = after
    planned = len(recorded.planned)
    yield b"retry: 1000\n\n"
    while True:
        over = (history(desk).run(recorded.id) or recorded).status != "running"  # asked before the events: what comes last is not missed
        # Event 0 stands for as many numbers as nodes were planned: it is asked for again until all of those are told.
        news = list(numbered(recorded, history(desk).events(recorded.id, -1 if seen <= planned else seen - planned), seen))
        for number, kind, data in news:
            yield message(kind, data, number)
            seen = number
        if over:
            yield message("end", {"run": recorded.id})
            return
        silent = 0.0 if news else silent + POLL
        if silent >= SIGN:
            silent = 0.0
            yield b": here\n\n"
        sleep(POLL)


def numbered(recorded: Recorded, found: tuple[tuple[int, Mapping[str, Any]], ...], after: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Events behind number ``after`` as a page hears them, each with its number: the run begins, every node is queued, and so on.

    >>> run = Recorded("r", "build", "dev", "1", "running", None, planned=("a", "b"))
    >>> began = {"event": "RunStarted", "at": "", "command": "build", "target": "dev", "total": 2}
    >>> [(n, kind, data.get("status")) for n, kind, data in numbered(run, ((0, began),), 0)]
    [(1, 'node', 'queued'), (2, 'node', 'queued')]
    """
    planned = len(recorded.planned)
    for number, body in found:
        if number == 0:
            if after < 0:
                yield 0, "run", {**_event(0, body), "status": "running"}
            for place, node in enumerate(recorded.planned, 1):
                if place > after:
                    yield place, "node", {"sequence": place, "node": node, "status": "queued", "at": body["at"]}
        elif number + planned > after:
            yield number + planned, _kind(body), _event(number + planned, body)


def _kind(body: Mapping[str, Any]) -> str:
    if body["event"] in ("NodeStarted", "NodeRetried", "NodeFinished"):
        return "node"
    return "run" if body["event"] == "RunFinished" else "note"


_OUTCOMES = {"passed": "success", "warned": "warn", "failed": "error", "crashed": "error", "nothing": "no-op", "partial": "partial success"}
_OF_TESTS = {"passed": "pass", "failed": "fail"}


def _event(sequence: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """An event as small as a page needs it, with its line of the log."""
    kept = {
        key: body[key] for key in ("node", "kind", "attempt", "seconds", "rows", "because", "wait", "started") if body.get(key) is not None
    }
    status = None
    match body["event"]:
        case "NodeStarted":
            status = "running"
        case "NodeRetried":
            status = "waiting"
        case "NodeFinished":
            own = body["status"]
            status = (_OF_TESTS if body.get("kind") in ("test", "unit_test") else {}).get(own) or _OUTCOMES.get(own, own)
        case "RunFinished":
            status = "over"
        case _:
            pass
    line = told(sequence, body)
    return {"sequence": sequence, "at": body["at"], **kept, **({"status": status} if status else {}), **({"line": line} if line else {})}


def changes(desk: Desk, _asked: Asked, sleep: Sleep = time.sleep) -> Reply:
    """Says that something is new on the pages, within half a second; what it is they ask themselves."""
    return streamed(desk, _changing(desk, sleep))


def _changing(desk: Desk, sleep: Sleep) -> Iterator[bytes]:
    last, silent = "", 0.0
    yield b"retry: 1000\n\n"
    while True:
        mark = _mark(desk)
        if mark != last:
            last, silent = mark, 0.0
            yield message("changed", {"mark": mark[:16]})
        elif silent >= SIGN:
            silent = 0.0
            yield b": here\n\n"
        silent += 2 * POLL
        sleep(2 * POLL)


def _mark(desk: Desk) -> str:
    """What decides whether anything is new: what is kept, and what only this process knows."""
    site = (known(desk).generated, desk.site.trouble if desk.site else "")
    promises = sorted((id_, each.state, each.age) for id_, each in desk.prospects().items())
    return digest(repr((glance(desk).mark(desk.now() - LONGEST), site, promises)).encode())


def message(kind: str, data: Mapping[str, Any], number: int | None = None) -> bytes:
    r"""One event as it is sent. JSON has no line breaks of its own, so that nothing in it ends a line.

    >>> message("end", {"run": "a\nb"})
    b'event: end\ndata: {"run": "a\\nb"}\n\n'
    """
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(data, allow_nan=False)}\n\n".encode()
