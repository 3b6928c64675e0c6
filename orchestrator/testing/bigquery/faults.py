"""Faults on order: what a test wants to go wrong, when."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Literal

from orchestrator.testing.bigquery.errors import Refusal

Kind = Literal["answer", "drop", "lose", "slow", "fail", "hold"]

MESSAGES = {
    "rateLimitExceeded": "Exceeded rate limits: too many table update operations for this table.",
    "jobRateLimitExceeded": "Exceeded rate limits: too many concurrent jobs.",
    "quotaExceeded": "Quota exceeded: Your project exceeded quota for free query bytes scanned.",
    "backendError": "Error encountered during execution. Retrying may solve the problem.",
    "internalError": "An internal error occurred and the request could not be completed.",
    "tooManyRequests": "Too many requests.",
}


@dataclass
class Fault:
    """One thing that goes wrong: the ``first``-th request that matches, and ``times - 1`` more after it.

    ``answer``: an HTTP error with ``reason``, nothing is done. ``drop``: the connection ends before anything is done. ``lose``: it is
    done, and the connection ends before the answer. ``slow``: the answer comes ``seconds`` later. ``fail``: the job ends DONE with an
    error, without effect. ``hold``: the job stays PENDING and RUNNING for so many ``polls``, or ``seconds``.
    """

    kind: Kind
    path: str = ""
    job: str = ""
    reason: str = ""
    first: int = 1
    times: int = 1
    seconds: float = 0.0
    polls: int = 0
    message: str = ""
    seen: int = 0

    @property
    def refusal(self) -> Refusal:
        """What is answered."""
        return Refusal(self.reason, self.message or MESSAGES.get(self.reason, "An injected error."))


class Faults:
    """The faults that wait to happen. ``path`` is searched in ``"POST /bigquery/v2/projects/p/jobs"``, ``job`` in a job's kind and text."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def answer(self, reason: str, path: str, *, first: int = 1, times: int = 1, message: str = "") -> Fault:
        """Requests are refused: ``backendError`` (503), ``rateLimitExceeded`` (403), ``tooManyRequests`` (429), …."""
        return self._add(Fault("answer", path, reason=reason, first=first, times=times, message=message))

    def drop(self, path: str, *, first: int = 1, times: int = 1) -> Fault:
        """Connections end before a request is looked at."""
        return self._add(Fault("drop", path, first=first, times=times))

    def lose(self, path: str, *, first: int = 1, times: int = 1) -> Fault:
        """Requests are done, and their answers are lost."""
        return self._add(Fault("lose", path, first=first, times=times))

    def slow(self, path: str, seconds: float, *, first: int = 1, times: int = 1) -> Fault:
        """Answers come late."""
        return self._add(Fault("slow", path, seconds=seconds, first=first, times=times))

    def fail(self, job: str, reason: str, *, first: int = 1, times: int = 1, message: str = "") -> Fault:
        """Jobs end with an error and do nothing. ``job`` is a pattern of ``"QUERY select 1"``, ``"LOAD p:d.t"``, ``"COPY p:d.t"``."""
        return self._add(Fault("fail", job=job, reason=reason, first=first, times=times, message=message))

    def hold(self, job: str, *, polls: int = 0, seconds: float = 0.0, first: int = 1, times: int = 1) -> Fault:
        """Jobs stay PENDING, then RUNNING, for so many polls or seconds; until then they have done nothing."""
        return self._add(Fault("hold", job=job, polls=polls, seconds=seconds, first=first, times=times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._waiting.clear()

    def request(self, what: str) -> list[Fault]:
        """The faults that happen to a request."""
        return self._happening(what, {"answer", "drop", "lose", "slow"})

    def of_job(self, what: str) -> list[Fault]:
        """The faults that happen to a job."""
        return self._happening(what, {"fail", "hold"})

    def _happening(self, what: str, kinds: set[str]) -> list[Fault]:
        with self._lock:
            found = []
            for fault in self._waiting:
                if fault.kind not in kinds or not re.search(fault.path or fault.job, what, re.IGNORECASE):
                    continue
                fault.seen += 1
                if fault.first <= fault.seen < fault.first + fault.times:
                    found.append(fault)
            return found

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._waiting.append(fault)
        return fault
