"""What a scheduler knows, in the text that Prometheus reads; worked out when it is asked, so that a restart loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.core.schedule import Board
from orchestrator.schedule.spec import Spec

Sample = tuple[Mapping[str, str], float]


def metrics(spec: Spec, board: Board, counts: Mapping[str, Mapping[tuple[str, str], int]], *, leads: bool, version: str) -> str:
    """All series.

    >>> metrics(Spec(), Board(), {"ticks": {("n", "fired"): 2}, "launches": {}}, leads=True, version="1").splitlines()[2]
    'orc_ticks_total{schedule="n",status="fired"} 2'
    """
    going = [each for each in board.launches if each.status == "running"]
    pools = {each.pool for each in going if each.pool} | set(spec.limits.pools)
    family = _family
    return "".join(
        [
            family("orc_ticks_total", "counter", "Ticks by what became of them.", _counted(counts.get("ticks", {}))),
            family("orc_launches_total", "counter", "Runs of schedules and triggers by status.", _counted(counts.get("launches", {}))),
            family("orc_queue_depth", "gauge", "Runs that wait to begin.", [({}, sum(e.status == "queued" for e in board.launches))]),
            family("orc_running", "gauge", "Runs that are under way.", [({}, len(going))]),
            family("orc_max_runs", "gauge", "Runs that may be under way at once.", [({}, spec.limits.max_runs)]),
            family(
                "orc_pool_in_use",
                "gauge",
                "Runs under way in a pool.",
                [({"pool": p}, sum(e.pool == p for e in going)) for p in sorted(pools)],
            ),
            family(
                "orc_pool_limit", "gauge", "Runs that a pool takes.", [({"pool": p}, spec.limits.pools.get(p, 1)) for p in sorted(pools)]
            ),
            family(
                "orc_schedule_paused",
                "gauge",
                "Whether a schedule is paused.",
                [({"schedule": n}, float(w.paused is not None)) for n, w in sorted(board.watches.items()) if w.removed is None],
            ),
            family("orc_leader", "gauge", "Whether this process leads.", [({}, float(leads))]),
            family("orc_build_info", "gauge", "The version that runs.", [({"version": version}, 1)]),
        ]
    )


def _counted(counts: Mapping[tuple[str, str], int]) -> list[Sample]:
    return [({"schedule": schedule, "status": status}, n) for (schedule, status), n in sorted(counts.items())]


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{said}}} {value:g}" if said else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
