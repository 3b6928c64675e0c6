"""Requests are answered by the table of routes, if whoever asks may ask for that."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.errors import StoreError
from orchestrator.serve.asking import Reply, Request, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.door import Door
from orchestrator.serve.keys import Keys
from orchestrator.serve.routes import SERVED, Route, routed


class Requests:
    """Answers requests: ``routes`` are all there are, ``keys`` say who may ask for what."""

    def __init__(self, desk: Desk, keys: Keys, routes: Sequence[Route] = SERVED) -> None:
        self._desk = desk
        self._door = Door(keys, desk.timetable, guarded=desk.guarded)
        self._routes = tuple(routes)

    def __call__(self, request: Request) -> Reply:
        """The answer."""
        found = routed(self._routes, request.method, request.place)
        try:
            match found:
                case ():
                    return wrong(404, "there is nothing here")
                case (Route() as route, dict() as places):
                    scope = route.scope.format(**places)
                    caller = self._door.caller(request, scope, self._desk.now())
                    if isinstance(caller, Reply):
                        return caller
                    return route.answer(self._desk, Asked(request, caller, places, self._door, self._routes))
                case methods:
                    allowed = ", ".join(str(method) for method in methods)
                    return wrong(405, f"only {allowed}", {"Allow": allowed})
        except StoreError as error:
            return wrong(503, error.first.message)
        except Exception as error:  # noqa: BLE001 - whoever asks gets an answer; the texts of such errors may hold anything
            return wrong(500, f"this is a mistake of orc: {type(error).__name__} in {_place(error)}")


def _place(error: BaseException) -> str:
    """Where in our code an exception came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "nowhere" if trace is None else f"{trace.tb_frame.f_globals.get('__name__', '?')}, line {trace.tb_lineno}"
