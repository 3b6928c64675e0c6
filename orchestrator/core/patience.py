"""How long a node may take, and how often it is tried: what ``retries`` and ``timeout`` of its config mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.aftermath import aftermath
from orchestrator.core.duration import duration

_CODE = re.compile(r"[A-Z]\d{3}")

WORDS = ("transient", "timeout", "test", "any", "never")
"""What ``on`` may name beside codes and regular expressions."""

KEYS = ("count", "delay", "backoff", "max_delay", "jitter", "on")
BACKOFFS = ("exponential", "fixed")


@dataclass(frozen=True, slots=True)
class Cause:
    """What an attempt failed of. ``transient`` is a conflict, a lost connection, a server or network that will be back.

    ``timed_out`` is our own limit; ``test`` says that the data was judged and did not pass.
    """

    code: str
    message: str
    transient: bool = False
    timed_out: bool = False
    test: bool = False

    @property
    def crowded(self) -> bool:
        """Whether the engine has no room for so much at once: fewer may do.

        >>> Cause("X107", "too many connections", transient=True).crowded, Cause("X107", "out of memory").crowded
        (True, False)
        """
        return (self.code == "X107" and self.transient) or self.code == "W206"

    @property
    def kind(self) -> str:
        """The cause in one word, as history keeps it.

        >>> Cause("X105", "deadlock detected", transient=True).kind
        'transient'
        """
        return "test" if self.test else "timeout" if self.timed_out else "transient" if self.transient else "permanent"


@dataclass(frozen=True, slots=True)
class Retries:
    """When a node that failed is tried again. ``count`` is how often beside the first time; ``delay`` and ``max_delay`` are seconds.

    ``jitter`` is the part of a delay by which it may be longer, so that many nodes do not come back at once.
    """

    count: int = 0
    delay: float = 10.0
    backoff: str = "exponential"
    max_delay: float = 300.0
    jitter: float = 0.2
    on: tuple[str, ...] = ("transient",)

    def seconds(self, number: int, chance: float = 0.0) -> float:
        """How long to wait before retry ``number`` (from 1); ``chance`` is between 0 and 1.

        >>> [Retries(5, delay=10, max_delay=60).seconds(n) for n in (1, 2, 3, 4)]
        [10.0, 20.0, 40.0, 60.0]
        >>> Retries(5, delay=10, backoff="fixed").seconds(3, chance=0.5)
        11.0
        """
        factor = 2.0 ** min(number - 1, 63) if self.backoff == "exponential" else 1.0
        return min(self.delay * factor, self.max_delay) * (1 + self.jitter * chance)

    def covers(self, cause: Cause) -> bool:
        """Whether a failure of this cause is worth another try. A failed test is so only where ``on`` names it.

        >>> Retries(1).covers(Cause("X108", "connection lost", transient=True)), Retries(1).covers(Cause("X101", "syntax"))
        (True, False)
        >>> Retries(1, on=("over.*quota",)).covers(Cause("X100", "Over the quota")), Retries(1, on=("X102",)).covers(Cause("X101", ""))
        (True, False)
        """
        return any(_covers(word, cause) for word in self.on)


def _covers(word: str, cause: Cause) -> bool:
    match word:
        case "never":
            return False
        case "any":
            return not cause.test
        case "transient":
            return cause.transient and not cause.timed_out and not cause.test
        case "timeout":
            return cause.timed_out
        case "test":
            return cause.test
        case _ if _CODE.fullmatch(word):
            return cause.code == word
        case _:
            return not cause.test and re.search(word, cause.message, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an attempt at a node may take (seconds; ``None``: as long as it takes), and when there is another.

    Without ``retries`` in its config (``None``), a node is tried again at once after a conflict with another session, a few times,
    and after nothing else.
    """

    retries: Retries | None = None
    timeout: float | None = None


EVER = Patience()


def patience(config: Mapping[str, Any]) -> Patience:
    """What a node's config says.

    >>> patience({"retries": 2, "timeout": "5m"}).timeout
    300.0
    >>> patience({"retries": {"count": 1, "on": "any"}}).retries.on
    ('any',)
    >>> patience({"on_failure": "retry(2)"}).retries.count
    2

    Raises:
        ValueError: with a sentence on what is wrong.
    """
    limit = config.get("timeout")
    if limit is not None and (limit := duration(limit)) <= 0:
        raise ValueError(f"`timeout: {config['timeout']}` leaves no time at all")
    return Patience(_retries(_with_count(config.get("retries"), aftermath(config).retries)), limit)


def _with_count(said: Any, again: int | None) -> Any:
    """``retries`` with the number that ``on_failure`` gives, unless it has one itself."""
    if again is None or (said is not None and not isinstance(said, Mapping)) or (said and "count" in said):
        return said
    return {"on": "any", **(said or {}), "count": again}


def _retries(value: Any) -> Retries | None:
    if value is None:
        return None
    given = dict(value) if isinstance(value, Mapping) else {"count": value}
    if unknown := [k for k in given if k not in KEYS]:
        raise ValueError(f"`retries` has no key `{unknown[0]}`: there is {', '.join(KEYS)}")
    count = given.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"`retries` is how often, and `{count}` is no such number")
    backoff, jitter = given.get("backoff", Retries().backoff), given.get("jitter", Retries().jitter)
    if backoff not in BACKOFFS:
        raise ValueError(f"`backoff: {backoff}` is neither of {' and '.join(BACKOFFS)}")
    if not isinstance(jitter, int | float) or isinstance(jitter, bool) or not 0 <= jitter <= 1:
        raise ValueError(f"`jitter: {jitter}` is no part of a delay: it is between 0 and 1")
    delay, most = (duration(given.get(k, getattr(Retries(), k))) for k in ("delay", "max_delay"))
    return Retries(count, delay, str(backoff), most, float(jitter), _on(given.get("on", "transient")))


def _on(value: Any) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not words or not all(isinstance(w, str) and w for w in words):
        raise ValueError(f"`on: {value}` is none of {', '.join(WORDS)}, and no list of codes and regular expressions")
    for word in words:
        try:
            re.compile(word)
        except re.error as error:
            raise ValueError(f"`on: {word}` is no regular expression ({error})") from None
    return words
