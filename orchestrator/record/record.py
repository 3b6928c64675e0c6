"""A run is told to everybody who listens, and remembered as a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from orchestrator.core.errors import StoreError
from orchestrator.core.event import Event, Noted
from orchestrator.core.ports import Sink
from orchestrator.core.project import Secret
from orchestrator.core.run import Run
from orchestrator.record.masked import masked


def record(events: Iterable[Event], sinks: Sequence[Sink], secrets: Iterable[Secret] = ()) -> Run:
    """Tell every event to every sink, history first (the first sink), and fold them into the run they tell of.

    A sink that raises is reported to the others once and not told anything more: a broken pipe stops no build. The
    exception is :class:`StoreError`: a run nobody would remember stops, and the error is the caller's. Values of
    ``secrets`` are replaced by stars before anybody hears of them. All sinks are closed, whatever happens.
    """
    hidden = tuple(secrets)
    listening = list(sinks)
    heard: list[Event] = []
    stream = iter(events)
    try:
        for event in stream:
            told: list[Event] = [masked(event, hidden)]
            while told:
                one = told.pop(0)
                heard.append(one)
                told += _tell(one, listening)
    finally:
        # An executor that is a generator cancels what is under way when it is closed before its end.
        if close := getattr(stream, "close", None):
            close()
        _close(sinks)
    return Run.of(heard)


def _tell(event: Event, listening: list[Sink]) -> list[Event]:
    """Tell one event; a sink that breaks leaves ``listening``, and the rest will hear why."""
    news: list[Event] = []
    for sink in tuple(listening):
        try:
            sink.hear(event)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a listener does wrong is not the run's fault
            listening.remove(sink)
            news.append(Noted(event.at, "warn", f"{type(sink).__name__} stopped listening to this run: {type(error).__name__}: {error}"))
    return news


def _close(sinks: Sequence[Sink]) -> None:
    broken: StoreError | None = None
    for sink in sinks:
        try:
            with suppress(OSError, ValueError):  # a closed stream can not be flushed
                sink.close()
        except StoreError as error:
            broken = error
    if broken:
        raise broken
