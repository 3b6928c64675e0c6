"""A run's events → what applications are told of new data: once, when a table was built and nothing that tests it failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from orchestrator.alert.listen import WELL
from orchestrator.core.alert import Happening, Letter, Post
from orchestrator.core.event import Event, NodeFinished, RunStarted, Status, plain

KIND = "exposure_updated"
BUILT = frozenset({Status.PASSED, Status.WARNED})


@dataclass(frozen=True, slots=True)
class Announced:
    """Somebody who wants to know when tables have new data. ``id`` is an exposure's or the table's own, ``targets`` are all if empty.

    ``tests`` are those of the tables, ``facts`` what a receiver may want to know besides.
    """

    id: str
    name: str
    tables: tuple[str, ...]
    tests: frozenset[str]
    targets: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Announcer:
    """Called with each event of a run, in order; answers with what is to be said now. ``base`` is where a browser finds runs."""

    announced: Sequence[Announced]
    base: str | None = None
    _run: RunStarted | None = None
    _ends: dict[str, NodeFinished] = field(default_factory=dict)
    _waiting: list[Announced] = field(default_factory=list)

    def __call__(self, event: Event) -> tuple[Post, ...]:
        """What this event means to applications."""
        match event:
            case RunStarted():
                self._run = event
                partial_ = event.arguments.get("empty") or event.arguments.get("sample")
                planned = frozenset(event.planned)
                wanted = [a for a in self.announced if planned & {*a.tables} and event.target in (a.targets or (event.target,))]
                self._waiting = [] if partial_ else wanted
            case NodeFinished() if self._waiting:
                self._ends[event.node] = event
                return tuple(self._heard(event))
            case _:
                pass
        return ()

    def _heard(self, event: NodeFinished) -> Iterator[Post]:
        for each in [a for a in self._waiting if event.node in a.tables or event.node in a.tests]:
            ends = self._all(each)
            if any(e.status not in WELL for e in ends if e is not None):
                self._waiting.remove(each)
            elif all(e is not None for e in ends):
                self._waiting.remove(each)
                built = [e for e in ends if e is not None and e.node in each.tables and e.status in BUILT]
                if built:
                    yield self._said(each, built, event)

    def _all(self, each: Announced) -> list[NodeFinished | None]:
        """The ends of everything this run has to do with it, as far as they are known."""
        planned = self._run.planned if self._run else ()
        return [self._ends.get(id_) for id_ in planned if id_ in each.tables or id_ in each.tests]

    def _said(self, each: Announced, built: Sequence[NodeFinished], event: NodeFinished) -> Post:
        run, target = (self._run.run, self._run.target) if self._run else ("", "")
        tests = [e for e in self._ends.values() if e.node in each.tests]
        tables = [_table(e) for e in built]
        one = tables[0] if len(tables) == 1 else {}
        data = {
            "event": KIND,
            "exposure": each.name,
            "target": target,
            "run": run,
            "link": f"{self.base.rstrip('/')}/runs/{run}" if self.base else None,
            "at": plain(event.at),
            **{key: one[key] for key in ("table", "rows", "interval") if one},
            "tables": tables,
            "tests": {"passed": sum(t.status is Status.PASSED for t in tests), "warned": sum(t.status is Status.WARNED for t in tests)},
            **{k: plain(v) for k, v in each.facts.items()},
        }
        names = ", ".join(str(t["name"]) for t in tables)
        letter = Letter(KIND, f"{each.name}: new data in {names}", "\n".join(map(_sentence, tables)), data)
        about = Happening(frozenset({KIND}), each.id, each.name, event.at, "", target, run)
        return Post(f"on_success of {each.name}", "tells", (about,), partial(_as_is, letter), lambda _about: (f"exposure {each.id}",))


def _as_is(letter: Letter, _about: Sequence[Happening]) -> Letter:
    return letter


def _table(event: NodeFinished) -> dict[str, Any]:
    done = event.batches.get("successful", ()) if event.batches else ()
    interval = {"start": plain(min(start for start, _ in done)), "end": plain(max(end for _, end in done))} if done else None
    name = event.node.rpartition(".")[2]
    return {"node": event.node, "name": name, "table": event.relation, "rows": event.rows, "interval": interval}


def _sentence(table: Mapping[str, Any]) -> str:
    rows = f", {table['rows']:,} rows" if table["rows"] is not None else ""
    span = f", for {table['interval']['start']} to {table['interval']['end']}" if table["interval"] else ""
    return f"{table['table'] or table['name']}{rows}{span}"
