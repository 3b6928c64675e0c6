"""Runs over HTTP: a list, one of them, a node in it, its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.app.past.chronicle import chronicle, logged, name, part_data, run_data
from orchestrator.app.web.causes import causes
from orchestrator.app.web.seen import Unclear, cursor, history, known, limit, sought, whole
from orchestrator.core.chronicle import Chronicle, Recorded
from orchestrator.core.event import plain
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.site import Known
from orchestrator.serve.triggering import shown

LINES = 2_000
"""Lines of a log in one reply."""

LOOKED_BACK = 500
"""Launches that are looked through for a run that history does not know."""


def runs(desk: Desk, asked: Asked) -> Reply:
    """The newest runs, newest first, narrowed down by what stands behind the path; ``next`` leads to those behind them."""
    try:
        wanted, most = sought(desk, asked), limit(asked)
    except Unclear as error:
        return wrong(400, str(error))
    found = history(desk).runs(most + 1, None, wanted)
    page, more = found[:most], len(found) > most
    return Reply(
        200, {"runs": [listed(run, desk) for run in page], "next": cursor(page[-1].started, page[-1].id) if more and page else None}
    )


def listed(run: Recorded, desk: Desk) -> dict[str, Any]:
    """A run in a list."""
    told = run_data(run, desk.now())
    given = told.pop("arguments")
    return {
        **told,
        "schedule": run.trigger.partition(":")[2] or None,
        "launch": given.get("launch"),
        "select": [str(word) for word in given.get("select") or ()],
        "exclude": [str(word) for word in given.get("exclude") or ()],
    }


def run(desk: Desk, asked: Asked) -> Reply:
    """A run: who and why, what went wrong with the root first, every node. One that only waits yet says so."""
    id_ = asked.places["run"]
    recorded = history(desk).run(id_) or _beside(desk, id_)
    if recorded is None:
        return _waiting(desk, id_)
    found = chronicle(history(desk), recorded, desk.now())
    launch = desk.timetable.launch(str(recorded.arguments.get("launch"))) if recorded.arguments.get("launch") else None
    numbers = [number for number, _ in history(desk).events(recorded.id)] if recorded.status == "running" else []
    return Reply(
        200,
        {
            "run": {**listed(recorded, desk), "arguments": plain(recorded.arguments), "notes": _notes(found)},
            "launch": _launch(launch) if launch else None,
            "causes": causes(found, _reader(desk.root)),
            "nodes": _nodes(found, known(desk)),
            "sequence": numbers[-1] + len(recorded.planned) if numbers else None,
        },
    )


def _notes(found: Chronicle) -> list[dict[str, Any]]:
    return [plain({"at": n.at, "level": n.level, "message": n.message, "problem": n.problem}) for n in found.notes]


def _launch(launch: Any) -> dict[str, Any]:
    return {
        **shown(launch),
        "schedule": launch.schedule,
        "trigger": launch.trigger,
        "deadline": plain(launch.deadline),
        "late": launch.late,
    }


def _beside(desk: Desk, id_: str) -> Recorded | None:
    """The newest other attempt at a launch, of which one left no history: it was killed too early, or found nothing left to do."""
    launch = next((each for each in desk.timetable.launches(limit=LOOKED_BACK) if id_ in each.runs), None)
    if launch is None or (id_ == launch.runs[-1] and not launch.over):
        return None
    return next((run for other in reversed(launch.runs) if (run := history(desk).run(other)) is not None), None)


def _waiting(desk: Desk, id_: str) -> Reply:
    """A run that nobody has begun yet."""
    for launch in desk.timetable.board().launches:
        told = shown(launch)
        if id_ in (told["run_id"], launch.id) and not launch.over:
            return Reply(200, {"run": {"id": told["run_id"], "status": "queued"}, "launch": _launch(launch), "causes": [], "nodes": []})
    return wrong(404, f"there is no run `{id_}`")


def _nodes(found: Chronicle, project: Known) -> list[dict[str, Any]]:
    """Every node as `orc runs show` has it, with its parents among the run's nodes: the drawing of the run."""
    inside = {p.node for p in found.parts}
    told = []
    for p in found.parts:
        direct = tuple((p.grounds.parts.get("upstream") or {}) if p.grounds else ()) or project.parents.get(p.node, ())
        data = part_data(p, found.now)
        kept = {k: v for k, v in data.items() if k not in ("inspect", "relation") and v is not None}
        told.append({**kept, "parents": parents_inside(direct, inside, project.parents)})
    return told


def parents_inside(direct: tuple[str, ...], inside: set[str], parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The nearest ancestors that are ``inside``: what is built into its readers is seen through.

    >>> parents_inside(("b",), {"a", "c"}, {"b": ("a",)})
    ['a']
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    edge = list(direct)
    while edge:
        one = edge.pop(0)
        if one in seen:
            continue
        seen.add(one)
        if one in inside:
            found[one] = None
        else:
            edge += parents.get(one, ())
    return list(found)


def node(desk: Desk, asked: Asked) -> Reply:
    """A node of a run: its attempts with the statements that were sent, and what it said."""
    recorded = history(desk).run(asked.places["run"])
    if recorded is None:
        return wrong(404, f"there is no run `{asked.places['run']}`")
    found = chronicle(history(desk), recorded, desk.now())
    word = asked.places["node"]
    part = next((p for p in found.parts if word in (p.node, p.name)), None)
    if part is None:
        return wrong(404, f"run {recorded.id[:8]} has no node `{word}`")
    single = replace(found, parts=(part, *(p for p in found.parts if p is not part)))
    return Reply(
        200,
        {
            "run": recorded.id,
            **part_data(part, found.now, texts=True),
            "cause": next((c for c in causes(single, _reader(desk.root)) if c["node"] == part.node), None),
            "log": [plain({"at": n.at, "level": n.level, "message": n.message}) for n in part.notes],
        },
    )


def logs(desk: Desk, asked: Asked) -> Reply:
    """What a run said, the last lines first asked for: of one node, of one attempt, of a level. ``format=text`` is for people."""
    recorded = history(desk).run(asked.places["run"])
    if recorded is None:
        return wrong(404, f"there is no run `{asked.places['run']}`")
    query = asked.request.query
    try:
        attempt, most, before = whole(asked, "attempt", 0), min(LINES, max(1, whole(asked, "limit", LINES))), whole(asked, "before", 0)
    except Unclear as error:
        return wrong(400, str(error))
    found = []
    for place, body in enumerate(logged(history(desk), recorded, follow=False)):
        number = place + len(recorded.planned) if place else 0  # as the stream of the run counts
        if (line := told(number, body)) and wanted(line, query.get("node"), attempt, query.get("level")):
            found.append(line)
    if before:
        found = [line for line in found if line["number"] < before]
    if query.get("format") == "text":
        return Reply(200, "".join(f"{line['at']}  {line['level']:5}  {line['name'] or ''}  {line['text']}\n" for line in found))
    return Reply(200, {"run": recorded.id, "status": recorded.status, "lines": found[-most:], "more": len(found) > most})


def wanted(line: Mapping[str, Any], node: str | None, attempt: int, level: str | None) -> bool:
    """Whether a line of a log is asked for."""
    return (
        (not node or node in (line["node"], line["name"]))
        and (not attempt or line["attempt"] == attempt)
        and (not level or level == line["level"])
    )


def told(number: int, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event as a line of a log; ``None`` for one that says nothing to a reader."""
    said = _said(body)
    if said is None:
        return None
    level, text = said
    node = body.get("node")
    return {
        "number": number,
        "at": body["at"],
        "level": level,
        "node": node,
        "name": _name(node, body) if node else None,
        "attempt": body.get("attempt"),
        "text": text,
    }


def _name(node: str, body: Mapping[str, Any]) -> str:
    return node.split(".")[2] if body.get("kind") in ("test", "unit_test") else name(node)


def _said(body: Mapping[str, Any]) -> tuple[str, str] | None:
    match body["event"]:
        case "RunStarted":
            return "info", f"orc {body['command']} on {body['target']} begins: {body['total']} results to come"
        case "NodeStarted":
            return "debug", f"begins: {body['label']}" + (f", attempt {body['attempt']}" if body.get("attempt", 1) > 1 else "")
        case "NodeRetried":
            return "warn", f"attempt {body['attempt']} failed ({body['cause']}): {body['message']}; next in {body['wait']:.0f} s"
        case "NodeFinished" | "BatchFinished":
            level = {"failed": "error", "crashed": "error", "warned": "warn", "skipped": "warn"}.get(body["status"], "info")
            took = f" in {body['seconds']:.2f} s" if body["status"] not in ("skipped", "reused") else ""
            return level, f"{body['status']}{took}{': ' + body['message'] if body.get('message') else ''}"
        case "Noted":
            problem = body.get("problem") or {}
            return body["level"], body.get("message") or str(problem.get("message") or "")
        case "RunFinished":
            return "info", f"over after {body['seconds']:.1f} s{', interrupted' if body.get('cancelled') else ''}"
        case _:
            return None


def _reader(root: Path) -> Callable[[str], str | None]:
    """Reads files of the project; never of profiles, and nothing outside of its folder."""
    home = root.resolve()

    def text(path: str) -> str | None:
        try:
            found = (home / path).resolve()
            if found.name == "profiles.yml" or not found.is_relative_to(home):
                return None
            return found.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    return text
