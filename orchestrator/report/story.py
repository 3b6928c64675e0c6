"""What the lines at the end of a run need to remember from the events before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestrator.core.event import Event, NodeFinished, RunStarted, Status

COLUMNS: Mapping[Status, str] = {
    Status.PASSED: "PASS",
    Status.WARNED: "WARN",
    Status.FAILED: "ERROR",
    Status.CRASHED: "ERROR",
    Status.SKIPPED: "SKIP",
    Status.CANCELLED: "SKIP",
    Status.NOTHING: "NO-OP",
    Status.REUSED: "REUSED",
    Status.PARTIAL: "ERROR",
}
"""Where the last line of a run counts each status."""

BROKEN = (Status.FAILED, Status.CRASHED, Status.PARTIAL)
_KINDS = {"test": "data test", "unit_test": "unit test", "operation": "hook"}
_IRREGULAR = {"analysis": "analyses", "partial success": "partial successes"}


@dataclass(frozen=True, slots=True)
class Story:
    """A run so far: counts by column of the last line and by kind, what broke or warned, and who was skipped because of whom.

    ``processed`` and ``billed`` are bytes, where an engine counts them.
    """

    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[NodeFinished, ...] = ()
    warned: tuple[NodeFinished, ...] = ()
    skipped: Mapping[str, tuple[NodeFinished, ...]] = field(default_factory=dict)
    processed: int = 0
    billed: int = 0

    def apply(self, event: Event) -> Story:
        """The story, one event later."""
        match event:
            case RunStarted():
                return replace(self, total=event.total)
            case NodeFinished():
                return self._finished(event)
            case _:
                return self

    def _finished(self, event: NodeFinished) -> Story:
        told = replace(
            self,
            counts=_more(self.counts, "WARN" if event.allowed else COLUMNS[event.status]),
            kinds=_more(self.kinds, noun(event)),
            processed=self.processed + int(event.response.get("bytes_processed") or 0),
            billed=self.billed + int(event.response.get("bytes_billed") or 0),
        )
        if event.status in BROKEN:
            return replace(told, broken=(*self.broken, event))
        if event.status is Status.WARNED or event.allowed:
            return replace(told, warned=(*self.warned, event))
        if event.status is Status.SKIPPED and event.because:
            others = self.skipped.get(event.because, ())
            return replace(told, skipped={**self.skipped, event.because: (*others, event)})
        return told

    def count(self, column: str) -> int:
        """How many results the last line counts under ``column``."""
        return self.counts.get(column, 0)


def name(event: NodeFinished) -> str:
    """What people call the node: a test's name, the last part of anything else's id."""
    if event.kind in ("test", "unit_test", "source"):
        return event.label.removeprefix(f"{event.kind} ")
    return event.node.rsplit(".", 1)[-1]


def noun(event: NodeFinished) -> str:
    """What a node is, in words: ``table model``, ``data test``, ``seed``."""
    words = event.label.split()
    if event.kind == "model" and len(words) > 2 and words[-2] == "model":
        return " ".join(words[1:-1])
    return kind_name(event.kind)


def kind_name(kind: str) -> str:
    """A kind in words.

    >>> kind_name("test"), kind_name("seed")
    ('data test', 'seed')
    """
    return _KINDS.get(kind, kind.replace("_", " "))


def several(count: int, word: str) -> str:
    """A number of things.

    >>> several(1, "seed"), several(2, "table model"), several(0, "analysis")
    ('1 seed', '2 table models', '0 analyses')
    """
    return f"{count:,} {word if count == 1 else _IRREGULAR.get(word, word + 's')}"


def _more(counts: Mapping[str, int], key: str) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
