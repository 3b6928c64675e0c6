"""Signals are asked for launches that wait for them, in processes of their own; what they said is kept as long as somebody waits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from orchestrator.core.ports import Questions
from orchestrator.core.schedule import Board, Launch
from orchestrator.schedule.signals import Answered, Signals, signals
from orchestrator.schedule.spec import Spec

NO = 99
"""The exit code of `orc signal` for a signal that says no."""


class Signalling:
    """What is known of the signals of waiting launches. ``shared`` are words for every command line. Without ``questions`` all wait."""

    def __init__(self, questions: Questions | None, shared: Sequence[str] = ()) -> None:
        self._questions = questions
        self._shared = tuple(shared)
        self._answers: dict[tuple[str, str], Answered] = {}
        self._asking: set[tuple[str, str]] = set()
        self._waits: dict[str, str] = {}

    def __call__(self, spec: Spec, board: Board, now: datetime) -> Signals:
        """Hear what was answered, ask what is to be asked, and say who waits."""
        self._hear(now)
        queued = {each.id: each for each in board.launches if each.status == "queued"}
        self._answers = {key: known for key, known in self._answers.items() if key[0] in queued}
        found = signals(spec, board, self._answers, now)
        for id_, name in found.ask:
            if self._questions is None or (id_, name) in self._asking:
                continue
            if self._questions.ask(json.dumps([id_, name]), self._words(spec, queued[id_], name)):
                self._asking.add((id_, name))
        self._waits = dict(found.waits)
        return found

    def declined(self, id_: str) -> bool:
        """Whether a launch waits for signals, and all of them were asked by us and are not being asked now."""
        return id_ in self._waits and not any(key[0] == id_ for key in self._asking) and any(key[0] == id_ for key in self._answers)

    def close(self) -> None:
        """Ask no more."""
        if self._questions is not None:
            self._questions.close()

    def _hear(self, now: datetime) -> None:
        for reply in () if self._questions is None else self._questions.answers():
            id_, name = json.loads(reply.key)
            self._asking.discard((id_, name))
            before = self._answers.get((id_, name), Answered())
            wrong = "" if reply.code in (0, NO) else reply.why
            self._answers[id_, name] = Answered(before.count + 1, now, reply.code == 0, wrong)

    def _words(self, spec: Spec, launch: Launch, name: str) -> list[str]:
        entry = spec.entry(launch.schedule)
        given = {**(entry.vars if entry else {}), **launch.vars}
        target = ["--target", entry.target] if entry is not None and entry.target is not None else []
        said = ["--vars", json.dumps(given, default=str)] if given else []
        return ["signal", name, *self._shared, *target, *said]
