"""A run's events → what rules are to be told: a fold that one run's listener owns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.alert.log import line
from orchestrator.alert.posts import listens, post, recovery
from orchestrator.alert.subject import subject
from orchestrator.core.aftermath import EVERYBODY
from orchestrator.core.alert import About, Alerts, Happening, Post, Rule
from orchestrator.core.duration import spoken
from orchestrator.core.errors import Problem
from orchestrator.core.event import Event, NodeFinished, NodeRetried, RunFinished, RunStarted, Status
from orchestrator.core.pace import Pace, pace

WELL = frozenset({Status.PASSED, Status.WARNED, Status.REUSED, Status.NOTHING})
FAILED = frozenset({"node_failed", "gate_failed"})
CAUSES = FAILED | {"freshness_breached"}
"""What a run fails of."""

STALE = "X372"
"""The code of a source that is older than its `freshness` allows."""

TESTS = ("test", "unit_test")
TESTED = ("test.", "unit_test.")
KEPT = 2_000
"""Lines of a run that are remembered for messages."""

ENOUGH = 3
"""Earlier builds without which nobody knows what is usual."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a listener may ask: about nodes, which of them a rule selects (``None``: all), what the last builds of some took, in seconds."""

    about: Callable[[str], About]
    selected: Callable[[Rule], frozenset[str] | None] = lambda _rule: None
    usual: Callable[[Sequence[str]], Mapping[str, Sequence[float]]] = lambda _nodes: {}


@dataclass(slots=True)
class Listener:
    """Called with each event of a run, in order; answers with what rules are to be told now."""

    alerts: Alerts
    around: Surroundings
    _run: RunStarted | None = None
    _lines: deque[tuple[str | None, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _causes: dict[str, Happening] = field(default_factory=dict)
    _tests: dict[str, NodeFinished] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    _reached: dict[str, list[str]] = field(default_factory=dict)
    _mentioned: list[Happening] = field(default_factory=list)
    _well: dict[str, Happening] = field(default_factory=dict)
    _usual: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __call__(self, event: Event) -> tuple[Post, ...]:
        """What this event means to the rules."""
        if said := line(event):
            self._lines.append((getattr(event, "node", None), said))
        match event:
            case RunStarted():
                self._run = event
                if any("node_slow" in rule.opening for rule in self.alerts.rules.values()):
                    self._usual = self.around.usual([id_ for id_ in event.planned if not id_.startswith(TESTED)])
            case NodeRetried():
                return tuple(self._happens(self._retried(event)))
            case NodeFinished():
                return tuple(self._ended(event))
            case RunFinished():
                return tuple(self._finished(event))
            case _:
                pass
        return ()

    # What happens

    def _ended(self, event: NodeFinished) -> Iterator[Post]:
        self._over.add(event.node)
        if event.status in (Status.FAILED, Status.CRASHED, Status.PARTIAL):
            if event.kind in TESTS:
                self._tests[event.node] = event
                if self._is_gate(event):
                    return  # the node it kept from being published will say so
            yield from self._happens(self._failed(event))
        elif event.allowed:  # who listens to failures in general hears of none
            found = self._failed(event)
            yield from (
                post(self.alerts, replace(r, on=r.on | found.kinds), [found]) for r in self.alerts.rules.values() if self._asked(r, found)
            )
        elif event.status is Status.SKIPPED and event.because:
            yield from self._skipped(event, event.because)
        elif event.status in WELL:
            yield from self._recovered(event)
            before = self._usual.get(event.node, ())
            if len(before) >= ENOUGH and event.status in (Status.PASSED, Status.WARNED):
                yield from self._timed(event, pace((event.seconds, *before)))

    def _is_gate(self, event: NodeFinished) -> bool:
        """Whether a test stands between a node of this run and its readers: that node has not ended."""
        planned = frozenset(self._run.planned if self._run else ())
        return any(p in planned and p not in self._over for p in self.around.about(event.node).parents)

    def _failed(self, event: NodeFinished) -> Happening:
        if event.problem is not None and event.problem.code == STALE:
            return self._stale(event, event.problem)
        gates = [t for t in self._tests.values() if event.node in self.around.about(t.node).parents] if event.kind not in TESTS else []
        judged = bool(gates) or (event.kind in TESTS and event.failures is not None)
        said = [f"{self.around.about(t.node).name}: {t.message}" for t in gates] or [event.message]
        problem = event.problem
        what = f"not published: {len(gates)} {'test' if len(gates) == 1 else 'tests'} failed" if gates else _first(event.message)
        nodes = frozenset((event.node, *(t.node for t in gates)))
        return replace(
            self._of(event.node, event.at, {"node_failed", *(("gate_failed",) if judged else ())}, what, nodes),
            error="\n".join(filter(None, [*said, problem.hint if problem and problem.hint and not gates else ""])),
            place=str(problem.span) if problem and problem.span else self.around.about(event.node).path,
            commands=("orc retry", f"orc why {self.around.about(event.node).name}"),
        )

    def _stale(self, event: NodeFinished, problem: Problem) -> Happening:
        """A source that is older than it may be."""
        found = self._of(event.node, event.at, {"freshness_breached"}, problem.message, frozenset({event.node}))
        return replace(found, place=str(problem.span) if problem.span else "", commands=("orc source freshness",))

    def _retried(self, event: NodeRetried) -> Happening:
        problem = event.problem
        what = f"attempt {event.attempt} of {event.retries + 1} failed; the next begins in {spoken(event.wait)}"
        return replace(
            self._of(event.node, event.at, {"node_retried"}, what, frozenset({event.node})),
            error=event.message,
            place=str(problem.span) if problem and problem.span else self.around.about(event.node).path,
            commands=(f"orc logs {event_run(self._run)} {self.around.about(event.node).name}",),
            facts={"attempt": event.attempt, "retries": event.retries, "cause": event.cause},
        )

    def _timed(self, event: NodeFinished, pace_: Pace) -> Iterator[Post]:
        what = f"took {spoken(event.seconds)}, usually {spoken(pace_.p50)}"
        found = self._of(event.node, event.at, {"node_slow"}, what, frozenset({event.node}))
        if pace_.slow:
            facts = {"seconds": event.seconds, "usual": pace_.p50}
            yield from self._happens(replace(found, commands=(f"orc perf --select {found.name}", f"orc why {found.name}"), facts=facts))
        else:
            yield from self._ends(replace(found, what=f"{found.name} {what}"))

    def _of(self, node: str, at: datetime, kinds: Iterable[str], what: str, lines: frozenset[str] = frozenset()) -> Happening:
        about, run = self.around.about(node), self._run
        tail = [text for of, text in self._lines if of in lines or (of is None and lines)][-30:]
        target = run.target if run else ""
        return Happening(
            frozenset(kinds),
            node,
            about.name,
            at,
            what,
            target,
            run.run if run else "",
            compiled=about.compiled,
            owners=about.owners,
            log=tuple(tail),
        )

    # Who is told

    def _happens(self, happening: Happening) -> Iterator[Post]:
        if happening.kinds & CAUSES:
            self._causes[happening.subject] = happening
        self._mentioned.append(happening)
        for rule in self.alerts.rules.values():
            if self._asked(rule, happening):
                yield post(self.alerts, replace(rule, on=rule.on | happening.kinds), [happening])
            elif rule.group_by == "node" and listens(rule, happening) and self._concerns(rule, happening.subject):
                yield post(self.alerts, rule, [happening])

    def _asked(self, rule: Rule, happening: Happening) -> bool:
        """Whether the node itself says that a rule hears of its failure, whatever the rule listens to."""
        asked = self.around.about(happening.subject).alerts
        return "node_failed" in happening.kinds and (EVERYBODY in asked or rule.name in asked)

    def _skipped(self, event: NodeFinished, because: str) -> Iterator[Post]:
        """A node that was skipped tells nobody; but who asked for it hears of what is to blame."""
        if event.kind in TESTS:
            return
        self._reached.setdefault(because, []).append(event.node)
        cause = self._causes.get(because)
        if cause is None:
            return
        for rule in self._listening(cause):
            if rule.group_by == "node" and self._concerns(rule, event.node) and not self._concerns(rule, because):
                yield post(self.alerts, rule, [self._with_reach(cause)])

    def _recovered(self, event: NodeFinished) -> Iterator[Post]:
        said = f"{self.around.about(event.node).name} is well again"
        for kinds in (CAUSES - FAILED, FAILED) if event.kind == "source" else (FAILED,):
            yield from self._ends(self._of(event.node, event.at, kinds, said))

    def _ends(self, happening: Happening) -> Iterator[Post]:
        for rule in self.alerts.rules.values():
            if self._asked(rule, happening):
                yield recovery(self.alerts, replace(rule, on=rule.on | happening.kinds), [happening])
            elif not happening.kinds & rule.opening:
                continue
            elif rule.group_by == "node":
                yield recovery(self.alerts, rule, [happening])
            else:
                self._well[f"{sorted(happening.kinds)}{happening.subject}"] = happening

    def _finished(self, event: RunFinished) -> Iterator[Post]:
        run = self._of_run(event)
        for rule in self.alerts.rules.values():
            yield from self._grouped(rule, run, cancelled=event.cancelled)

    def _grouped(self, rule: Rule, run: Happening, *, cancelled: bool) -> Iterator[Post]:
        """A rule's messages about the run as a whole."""
        told: list[Happening] = []
        if rule.group_by == "run":
            mine = [h for h in self._mentioned if listens(rule, h) and not self._asked(rule, h)]
            told = [self._with_reach(h) for h in mine if self._touches(rule, h.subject)]
        causes = tuple(self._with_reach(c) for c in self._causes.values() if self._touches(rule, c.subject))
        whole = replace(run, causes=causes, log=_joined(causes) or run.log)
        concerned = bool(causes) or not rule.where.of_nodes or not self._causes
        well = list(self._well.values()) if rule.group_by == "run" else []
        if "run_succeeded" in run.kinds and not cancelled:
            if "run_failed" in rule.opening:
                well = [replace(run, kinds=frozenset({"run_failed"}), what=f"{run.name} succeeded"), *well]
            if listens(rule, run) and "run_succeeded" in rule.on:
                yield post(self.alerts, rule, [run])
        elif listens(rule, run) and concerned and not cancelled:
            told = [whole, *told]
        if well:
            yield recovery(self.alerts, rule, well)
        openings = [h for h in told if h.kinds & rule.opening]
        others = [h for h in told if not h.kinds & rule.opening]
        if openings:
            yield post(self.alerts, rule, openings)
        for kind in dict.fromkeys(k for h in others for k in sorted(h.kinds & rule.on)):
            yield post(self.alerts, rule, [h for h in others if kind in h.kinds])

    def _of_run(self, event: RunFinished) -> Happening:
        run = self._run
        failed = bool(self._causes)
        count = len(self._over)
        skipped = sum(map(len, self._reached.values()))
        what = f"{len(self._causes)} failed, {skipped} skipped, of {count}" if failed else f"{count} results after {spoken(event.seconds)}"
        return Happening(
            frozenset({"run_failed" if failed else "run_succeeded"}),
            *(subject(run.trigger, run.command, run.arguments) if run else ("", "")),
            event.at,
            what,
            run.target if run else "",
            event.run,
            log=tuple(text for _, text in self._lines)[-30:] if failed else (),
            commands=(f"orc retry --of {event.run[:8]}", f"orc runs show {event.run[:8]}") if failed else (),
        )

    def _listening(self, happening: Happening) -> Iterator[Rule]:
        return (rule for rule in self.alerts.rules.values() if listens(rule, happening))

    def _with_reach(self, happening: Happening) -> Happening:
        found = tuple(self.around.about(id_).name for id_ in self._reached.get(happening.subject, ()))
        return replace(happening, reached=found) if found else happening

    def _touches(self, rule: Rule, cause: str) -> bool:
        """Whether a rule is about a node, or about one that was skipped because of it."""
        return any(self._concerns(rule, id_) for id_ in (cause, *self._reached.get(cause, ())))

    def _concerns(self, rule: Rule, node: str) -> bool:
        where = rule.where
        if not where.of_nodes:
            return True
        about, chosen = self.around.about(node), self.around.selected(rule)
        found = (
            (not where.tags or set(where.tags) & set(about.tags))
            and (not where.owners or set(where.owners) & set(about.owners))
            and (chosen is None or node in chosen)
        )
        if found:
            return True
        # A test speaks for what it tests.
        return node.startswith(TESTED) and any(self._concerns(rule, p) for p in about.parents)


def event_run(run: RunStarted | None) -> str:
    """The beginning of a run's id, as commands take it."""
    return run.run[:8] if run else "last"


def _joined(causes: Iterable[Happening]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for c in causes for text in c.log))


def _first(message: str) -> str:
    return message.strip().splitlines()[0] if message.strip() else "failed"
