"""Models over HTTP: how each is doing now, and the history of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.app.fresh.keeping import as_data
from orchestrator.app.past.chronicle import name
from orchestrator.app.web.seen import Unclear, glance, known, limit
from orchestrator.core.event import NodeFinished, plain
from orchestrator.record.glance import Past
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.site import Known

BUILT = ("model", "seed", "snapshot")
TESTS = ("test", "unit_test")
WORST = ("error", "fail", "warn", "skipped", "success")
_WORDS = {"pass": "success", "no-op": "success", "reused": "success", "partial success": "error", "fail": "error"}


def models(desk: Desk, asked: Asked) -> Reply:
    """How every model, seed and snapshot ended last, its tests with it."""
    project = known(desk)
    newest = glance(desk).newest(asked.request.query.get("target") or project.target)
    told = [_model(id_, newest, project) for id_ in ids(project, newest)]
    return Reply(200, {"target": project.target, "site": project.generated, "models": told})


def ids(project: Known, newest: Mapping[str, Past]) -> list[str]:
    """What there is to show: what the project has; without knowing it, what ever ran."""
    if project.nodes:
        return [n["id"] for n in project.nodes if n["kind"] in BUILT]
    return sorted(id_ for id_, past in newest.items() if past.result.kind in BUILT)


def _model(id_: str, newest: Mapping[str, Past], project: Known) -> dict[str, Any]:
    past = newest.get(id_)
    tests = [newest[t].result for t in project.tests_of.get(id_, ()) if t in newest]
    own = ended(past) if past else {}
    return {
        "node": id_,
        "name": project.by_id[id_]["name"] if id_ in project.by_id else name(id_),
        "kind": id_.partition(".")[0],
        **own,
        "status": worst([own["status"]] if own else [], tests),
        "failing_tests": [name(t.node, t) for t in tests if t.outcome in ("fail", "error")],
    }


def worst(own: Iterable[str], tests: Iterable[NodeFinished]) -> str | None:
    """The worst word of a node and its tests.

    >>> worst(["success"], []), worst([], [])
    ('success', None)
    """
    said = {_WORDS.get(word, word) for word in (*own, *(t.outcome for t in tests))}
    return next((word for word in WORST if word in said), None)


def ended(past: Past) -> dict[str, Any]:
    """How a node ended in a run."""
    r = past.result
    told = {
        "run": past.run,
        "trigger": past.trigger or None,
        "status": r.outcome,
        "at": plain(r.at),
        "seconds": plain(r.seconds),
        "rows": r.rows,
        "bytes": r.response.get("bytes_processed"),
        "failures": r.failures,
        "message": r.message or None,
        "because": r.because,
        "attempt": r.attempt if r.attempt > 1 else None,
    }
    return {key: value for key, value in told.items() if value is not None}


def model(desk: Desk, asked: Asked) -> Reply:
    """One model, by its name or id: how it is doing, its last runs, its tests, when it was built well last."""
    project, word = known(desk), asked.places["name"]
    try:
        most = limit(asked)
    except Unclear as error:
        return wrong(400, str(error))
    target = asked.request.query.get("target") or project.target
    id_ = project.find(word) or next((found for found in _guesses(word, project) if glance(desk).strip(found, 1, target)), None)
    if id_ is None:
        return wrong(404, f"there is no model `{word}`")
    strip = glance(desk).strip(id_, most, target)
    tests = {t: glance(desk).strip(t, 1, target) for t in project.tests_of.get(id_, ())}
    latest = [found[0].result for found in tests.values() if found]
    built = [p for p in strip if p.result.outcome in ("success", "warn")]
    decided = [p for p in strip if p.result.outcome not in ("reused", "no-op")]
    now = desk.now()
    return Reply(
        200,
        {
            "node": id_,
            "name": project.by_id[id_]["name"] if id_ in project.by_id else name(id_),
            "kind": id_.partition(".")[0],
            "target": target,
            "status": worst([p.result.outcome for p in decided[:1]], latest),
            "built_at": plain(built[0].result.at) if built else None,
            "age": (now - built[0].result.at).total_seconds() if built else None,
            "runs": [ended(p) for p in strip],
            "tests": [
                {"node": t, "name": name(t, found[0].result if found else None), **(ended(found[0]) if found else {})}
                for t, found in tests.items()
            ],
            "promise": as_data(desk.prospects()[id_]) if id_ in desk.prospects() else None,
            "lineage": f"/#/node/{id_}?tab=lineage",
        },
    )


def _guesses(word: str, project: Known) -> tuple[str, ...]:
    """Ids that a word may mean where the project is not known."""
    return (word, *(f"{kind}.{project.name}.{word}" for kind in BUILT)) if project.name else (word,)
