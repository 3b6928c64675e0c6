"""Whether everything is fine, on one page; and the process that says so."""

from __future__ import annotations

import platform
from datetime import timedelta
from typing import Any

from orchestrator.app.schedules.scheduling import coming
from orchestrator.app.web.freshness import broken
from orchestrator.app.web.models import ids, worst
from orchestrator.app.web.runs import listed
from orchestrator.app.web.seen import glance, history, known
from orchestrator.core.chronicle import Sought
from orchestrator.core.event import plain
from orchestrator.schedule.cron import local
from orchestrator.serve.asking import Reply
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.triggering import shown

DAYS = 30
FAILING = 50
RECENT = 8
TICKS = 6


def home(desk: Desk, _asked: Asked) -> Reply:
    """What fails, what is late, what runs, what comes next, and how many runs there were a day."""
    now, project, board, spec = desk.now(), known(desk), desk.timetable.board(), desk.spec()
    newest = glance(desk).newest(project.target)
    failing = []
    healthy = 0
    for id_ in ids(project, newest):
        past = newest.get(id_)
        tests = [newest[t] for t in project.tests_of.get(id_, ()) if t in newest]
        status = worst([past.result.outcome] if past else [], [t.result for t in tests])
        healthy += status in ("success", "warn")
        if status == "error":
            bad = next((t for t in tests if t.result.outcome in ("fail", "error")), None)
            own = past if past is not None and past.result.outcome in ("error", "partial success") else bad or past
            if own is not None:
                told = {"run": own.run, "at": plain(own.result.at), "message": own.result.message}
                failing.append({"node": id_, "name": project.by_id[id_]["name"] if id_ in project.by_id else id_.split(".")[-1], **told})
    begun = now - timedelta(days=DAYS - 1)
    counts = glance(desk).days(begun.replace(hour=0, minute=0, second=0, microsecond=0))
    paused = {name: watch.paused is not None for name, watch in board.watches.items()}
    open_ = [each for each in board.launches if not each.over]
    return Reply(
        200,
        {
            "now": plain(now),
            "project": {"name": project.name or desk.root.name, "target": project.target, "engine": project.engine},
            "trouble": (desk.site.trouble if desk.site else "") or None,
            "failing": sorted(failing, key=lambda f: str(f["at"]), reverse=True)[:FAILING],
            "failing_count": len(failing),
            "healthy": healthy,
            "models": len(ids(project, newest)),
            "running": [listed(run, desk) for run in history(desk).runs(20, None, Sought("running"))],
            "queued": [{**shown(each), "schedule": each.schedule} for each in open_ if each.status == "queued"],
            "late": [{**shown(each), "schedule": each.schedule, "deadline": plain(each.deadline)} for each in open_ if each.late],
            "stale": broken(desk.prospects()),
            "paused": sorted(name for name, yes in paused.items() if yes and name in spec.schedules),
            "next": [
                {"schedule": name, "at": plain(at), "local": local(at, spec.schedules[name].zone).isoformat(timespec="minutes")}
                for name, at in coming(spec, now, 1, paused)[:TICKS]
            ],
            "recent": [listed(run, desk) for run in history(desk).runs(RECENT)],
            "days": [
                {"day": day, "counts": counts.get(day, {})} for day in ((begun + timedelta(days=i)).date().isoformat() for i in range(DAYS))
            ],
        },
    )


def system(desk: Desk, _asked: Asked) -> Reply:
    """The daemon, who leads, where the state is and how large it is."""
    leader = desk.timetable.leader()
    project = known(desk)
    state = desk.root / ".orchestrator" / "state.db"
    told: dict[str, Any] = {
        "version": desk.version,
        "python": platform.python_version(),
        "role": "leader" if desk.leads() else "standby",
        "turned_at": plain(desk.beat()),
        "leader": {"host": leader[0], "pid": leader[1], "term": leader[2], "heartbeat": plain(leader[3])} if leader else None,
        "state": {"kind": "sqlite" if state.exists() else "server", "bytes": state.stat().st_size if state.exists() else None},
        "history": dict(glance(desk).facts()),
        "project": {
            "name": project.name or desk.root.name,
            "target": project.target,
            "engine": project.engine,
            "nodes": len(project.nodes),
        },
        "site": project.generated or None,
        "schedules": len(desk.spec().schedules),
        "triggers": len(desk.spec().triggers),
        "guarded": desk.guarded,
        "now": plain(desk.now()),
    }
    return Reply(200, told)
