"""What a scheduler and its runs add up to, in the text that Prometheus reads; worked out from the state: a restart loses nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from orchestrator.core.pool import wide
from orchestrator.core.schedule import Board
from orchestrator.record.measures import BUCKETS, Measured
from orchestrator.schedule.spec import Spec

Sample = tuple[str, Mapping[str, str], float]

NODES = 2_000
"""Nodes that have series of their own; the others share one, so that a large project is no burden for who stores them."""

OTHERS = "(others)"

GOOD = ("passed", "warned", "nothing", "partial")


def metrics(
    spec: Spec,
    board: Board,
    counts: Mapping[str, Mapping[tuple[str, str], int]],
    measured: Measured,
    now: datetime,
    *,
    leads: bool,
    version: str,
) -> str:
    """All series.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> counts = {"ticks": {("n", "fired"): 2}, "launches": {}}
    >>> metrics(Spec(), Board(), counts, Measured(), at, leads=True, version="1").splitlines()[2]
    'orc_ticks_total{schedule="n",status="fired"} 2'
    """
    families = (*_scheduler(spec, board, counts, measured, now), *_runs(measured), *_nodes(measured), *_sources(measured, now))
    own = (
        ("orc_leader", "gauge", "Whether this process leads.", [_one({}, float(leads))]),
        ("orc_build_info", "gauge", "The version that runs.", [_one({"version": version}, 1)]),
    )
    return "".join(_family(*each) for each in (*families, *own))


Family = tuple[str, str, str, Iterable[Sample]]


def _scheduler(
    spec: Spec, board: Board, counts: Mapping[str, Mapping[tuple[str, str], int]], measured: Measured, now: datetime
) -> Iterator[Family]:
    going = [each for each in board.launches if each.status == "running"]
    pools = sorted({each.pool for each in going if each.pool} | set(spec.limits.pools) | set(board.pools))
    watches = [(name, watch) for name, watch in sorted(board.watches.items()) if watch.removed is None]
    yield "orc_ticks_total", "counter", "Ticks by what became of them.", _counted(counts.get("ticks", {}))
    yield "orc_launches_total", "counter", "Runs of schedules and triggers by status.", _counted(counts.get("launches", {}))
    queued = sum(e.status == "queued" for e in board.launches)
    yield "orc_queue_depth", "gauge", "Runs that wait to begin.", [_one({}, queued)]
    yield "orc_running", "gauge", "Runs that are under way.", [_one({}, len(going))]
    yield "orc_max_runs", "gauge", "Runs that may be under way at once.", [_one({}, spec.limits.max_runs)]
    used = [_one({"pool": p}, sum(e.pool == p for e in going)) for p in pools]
    yield "orc_pool_in_use", "gauge", "Runs under way in a pool.", used
    yield (
        "orc_pool_limit",
        "gauge",
        "Runs that a pool takes.",
        [_one({"pool": p}, wide(spec.limits.pools.get(p, 1), board.pools.get(p), now)) for p in pools],
    )
    paused = [_one({"schedule": n}, float(w.paused is not None)) for n, w in watches]
    yield "orc_schedule_paused", "gauge", "Whether a schedule is paused.", paused
    good = [_one({"schedule": n}, at.timestamp()) for n, at in sorted(measured.good.items())]
    yield "orc_schedule_last_success_timestamp", "gauge", "When the last run of a schedule that passed ended, in Unix time.", good
    late = [_one({"schedule": n}, seconds) for n, seconds in sorted(measured.delays.items())]
    yield "orc_schedule_tick_delay_seconds", "gauge", "How long after it was due the newest tick was fired.", late


def _runs(measured: Measured) -> Iterator[Family]:
    runs = [_one({"trigger": k[1], "schedule": k[2], "status": k[3]}, n) for k, n in _of("runs", measured)]
    yield "orc_runs_total", "counter", "Runs that are over, however they began.", runs
    yield "orc_run_duration_seconds", "histogram", "How long runs took.", list(_durations(measured))
    tests = [_one({"status": k[1]}, n) for k, n in _of("tests", measured)]
    yield "orc_tests_total", "counter", "Results of tests in runs that are over.", tests


def _durations(measured: Measured) -> Iterator[Sample]:
    sums = {k[1]: n for k, n in _of("seconds_sum", measured)}
    found = {(k[1], k[2]): n for k, n in _of("seconds", measured)}
    for name in sorted(sums):
        total = 0.0
        for bound in (*(f"{b:g}" for b in BUCKETS), "+Inf"):
            total += found.get((name, bound), 0)
            yield "_bucket", {"schedule": name, "le": bound}, total
        yield "_sum", {"schedule": name}, sums[name]
        yield "_count", {"schedule": name}, total


def _nodes(measured: Measured) -> Iterator[Family]:
    tried: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    kept = _kept(measured)
    for (_, node, status, cause), n in _of("attempts", measured):
        tried[(node if node in kept else OTHERS, "success" if status in GOOD else status, cause)] += n
    attempts = [_one({"node": node, "status": status, "error_class": cause}, n) for (node, status, cause), n in sorted(tried.items())]
    yield "orc_node_attempts_total", "counter", "Attempts at nodes in runs that are over, by what they failed of.", attempts
    last = [(target, node, each) for (target, node), each in sorted(measured.nodes.items()) if node in kept]
    took = [_one({"target": target, "node": node}, each.seconds) for target, node, each in last]
    yield "orc_node_duration_seconds", "gauge", "How long the last good build of a node took.", took
    rows = [_one({"target": target, "node": node}, each.rows) for target, node, each in last if each.rows is not None]
    yield "orc_node_rows", "gauge", "How many rows the last good build of a node wrote.", rows


def _kept(measured: Measured) -> frozenset[str]:
    """The nodes that have series of their own: those that were tried first. Who has one keeps it."""
    return frozenset(list(dict.fromkeys(key[1] for key in measured.counts if key[0] == "attempts"))[:NODES])


def _sources(measured: Measured, now: datetime) -> Iterator[Family]:
    lag = [_one({"target": t, "source": s}, (now - at).total_seconds()) for (t, s), at in sorted(measured.data.items())]
    letters = [_one({"status": status}, n) for status, n in sorted(measured.alerts.items())]
    yield "orc_alerts", "gauge", "Alerts by whether they wait, were sent, or were given up.", letters
    yield "orc_source_lag_seconds", "gauge", "How old the newest data of a source is, as far as it was last looked at.", lag


def _of(name: str, measured: Measured) -> list[tuple[tuple[str, ...], float]]:
    return sorted((key, n) for key, n in measured.counts.items() if key[0] == name)


def _one(labels: Mapping[str, str], value: float) -> Sample:
    return "", labels, value


def _counted(counts: Mapping[tuple[str, str], int]) -> list[Sample]:
    return [_one({"schedule": schedule, "status": status}, n) for (schedule, status), n in sorted(counts.items())]


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for suffix, labels, value in samples:
        said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{suffix}{{{said}}} {_number(value)}" if said else f"{name}{suffix} {_number(value)}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    """A number with all its digits: Unix time and counts lose their last ones to ``%g``.

    >>> _number(2.0), _number(1767225600.5), _number(0.25)
    ('2', '1767225600.5', '0.25')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
