"""Signs of life: what load balancers, service managers and Prometheus ask."""

from __future__ import annotations

from orchestrator.record.measures import Measured
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.metrics import metrics

SILENCE = 60
"""Seconds without a turn of the scheduler, after which it counts as ill."""


def healthy(desk: Desk, _asked: Asked) -> Reply:
    """Whether the scheduler's loop goes round."""
    idle = (desk.now() - desk.beat()).total_seconds()
    return Reply(200, {"status": "ok"}) if idle < SILENCE else wrong(503, f"the scheduler has not gone round for {idle:.0f} s")


def ready(desk: Desk, _asked: Asked) -> Reply:
    """Whether the state can be read, and whether this daemon leads."""
    desk.timetable.board()
    return Reply(200, {"status": "ready", "role": "leader" if desk.leads() else "standby"})


def measured(desk: Desk, _asked: Asked) -> Reply:
    """Metrics."""
    board, counts = desk.timetable.board(), desk.timetable.counts()
    found = desk.measures() if desk.measures is not None else Measured()
    return Reply(200, metrics(desk.spec(), board, counts, found, desk.now(), leads=desk.leads(), version=desk.version))
