"""``orc export``: a project's schedules as another scheduler's files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.app import selection
from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ConfigError, Problem, UsageError
from orchestrator.core.plan import Request
from orchestrator.core.portion import Flow, Granularity, Retrying, Timing
from orchestrator.core.schedule import Schedule
from orchestrator.plan.portions import portions
from orchestrator.schedule.crontab import crontab
from orchestrator.schedule.spec import TIDYING, Spec

UTC_ONLY = frozenset({"flyte", "github", "mage"})
"""Engines whose clock has no zone."""

ONE_TIME = frozenset({"flyte", "mage"})
"""Engines whose flows have one pattern each."""


MOST = {"github": 256}
"""How many tasks a flow may have, where an engine limits them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to export: to which ``engine``, in what portions, who tries again, and whether everything is on one machine.

    ``up`` is how many folders above the generated files the project is, ``None`` when they are not in it. ``state`` says whether the
    history is on a server.
    """

    engine: str
    granularity: Granularity = "model"
    retrying: Retrying = "engine"
    single_machine: bool = False
    state: bool = False
    up: int | None = None


def exporting(workspace: Workspace, request: Request, known: Spec, chosen: Sequence[str], wanted: Wanted) -> dict[str, str]:
    """The files, by path. ``chosen`` are schedules by name; without any all that are enabled, and without those what ``request`` selects.

    Raises:
        UsageError: U089, there is no such schedule; U130, workers cannot share the history; U131, nor the warehouse; U132, a schedule
            says what the engine cannot; U133, a selection looks at more than the project; U135, there is nothing to do.
    """
    from orchestrator.publish.export.export import export

    alone = _shared(workspace, wanted)
    schedules = _schedules(known, chosen, request, wanted)
    base = Flow(
        workspace.project.settings.name or workspace.invocation.root.name,
        "",
        (),
        retrying=wanted.retrying,
        granularity=wanted.granularity,
        alone=alone,
        width=workspace.project.target.threads,
        up=wanted.up,
    )
    base = replace(base, beside=len(schedules) > 1)
    flows = [_flow(base, workspace, request, each, wanted) for each in schedules or (None,)]
    return export(wanted.engine, flows)


def _shared(workspace: Workspace, wanted: Wanted) -> bool:
    """Whether one task may run at a time; raises when tasks on several machines would not see the same."""
    from orchestrator.adapters import registry

    local = registry.local(workspace.project.target, str(workspace.invocation.root))
    if wanted.single_machine or wanted.engine == "cron":
        return local
    problems = []
    if local:
        message = f"the target `{workspace.project.target.name}` is a file of this machine: workers on others have no such file"
        hint = "--target a server's; or --single-machine, when every worker is on one machine: then one task runs at a time"
        problems.append(Problem("U131", message, None, hint))
    if not wanted.state:
        message = "the history of runs is a file of this machine: workers on others would each have their own"
        hint = 'state = "postgresql://…" in the project file, or ORC_STATE_URL; or --single-machine, when every worker is on one machine'
        problems.append(Problem("U130", message, None, hint))
    if problems:
        raise UsageError(*problems)
    return local


def _schedules(known: Spec, chosen: Sequence[str], request: Request, wanted: Wanted) -> tuple[Schedule, ...]:
    from orchestrator.app.schedules.scheduling import named

    if chosen:
        found = tuple(named(known, name) for name in chosen)
    elif request.select or request.exclude or request.selector:
        return ()
    else:
        found = tuple(s for s in known.schedules.values() if s.enabled)
    problems = [p for s in found for p in _unsayable(s, wanted)]
    if problems:
        raise UsageError(*problems)
    return found


def _unsayable(schedule: Schedule, wanted: Wanted) -> list[Problem]:
    """What a schedule says that the engine has no words for."""
    if wanted.engine == "cron":  # `orc schedule --once` knows it all
        return []
    found: list[tuple[str, str]] = []
    name, engine = schedule.name, wanted.engine
    if schedule.after:
        found.append(
            (f"`{name}` follows {', '.join(f'`{a}`' for a in schedule.after)}", "only orc's own scheduler knows how that one ended")
        )
    if schedule.when:
        found.append((f"`{name}` has a `when`", "only orc's own scheduler asks it"))
    if schedule.signals:
        found.append((f"`{name}` waits for signals", "only orc's own scheduler asks them"))
    if schedule.overlap == "cancel_running":
        found.append((f"`{name}` has `overlap: cancel_running`", "queue or allow"))
    if schedule.command in TIDYING:
        found.append(
            (
                f"`{name}` tidies up (`command: {schedule.command}`)",
                "orc's own scheduler does that, or `orc clean` and `orc runs prune` in cron",
            )
        )
    elif schedule.command != "build" and wanted.granularity != "project":
        found.append((f"`{name}` runs `orc {schedule.command}`", "only a build can be divided: --granularity project"))
    try:
        patterns = crontab(schedule)
    except ValueError as error:
        found.append((f"`{name}`: {error}", f"give {engine} a time it can say"))
    else:
        if engine in UTC_ONLY and patterns and schedule.zone != "UTC":
            found.append((f"`{name}` goes by the clocks of {schedule.zone}, those of {engine} show UTC", "a schedule in UTC"))
        if engine in ONE_TIME and len(patterns) > 1:
            found.append(
                (f"`{name}` needs {len(patterns)} cron patterns, and {engine} takes one", "an interval that divides an hour or a day")
            )
    hint = "`--schedule` names the schedules to export; `orc export cron` hands over all of them as they are"
    return [Problem("U132", message, None, f"{why}; {hint}") for message, why in found]


def _flow(base: Flow, workspace: Workspace, request: Request, schedule: Schedule | None, wanted: Wanted) -> Flow:
    asked = request
    if schedule is not None:
        asked = replace(
            request,
            command=schedule.command,
            select=schedule.select,
            exclude=schedule.exclude,
            selector=schedule.selector,
            full_refresh=schedule.full_refresh,
        )
    _fixed(workspace, asked)
    found = portions(workspace.graph, selection(workspace, asked).ids, wanted.granularity)
    if not found:
        what = f"the schedule `{schedule.name}`" if schedule else "this"
        raise UsageError(Problem("U135", f"{what} selects nothing that could be run", None, "`orc ls` shows what a selection names"))
    if len(found) > MOST.get(wanted.engine, len(found)):
        message = f"{len(found)} tasks are more than the {MOST[wanted.engine]} that {wanted.engine} takes"
        raise UsageError(Problem("U132", message, None, "--granularity layer"))
    return replace(
        base,
        name=schedule.name if schedule else base.project,
        portions=found,
        words=words(workspace, asked, schedule, wanted),
        timing=_timing(schedule),
        width=(schedule and schedule.threads) or request.threads or base.width,
    )


def _fixed(workspace: Workspace, request: Request) -> None:
    """Stop at a selection that looks at more than the project: what it names changes, and what is generated does not."""
    from orchestrator.graph.select import select
    from orchestrator.graph.selectors import Selectors, selectors

    settings = workspace.project.settings
    known = selectors(settings.selectors, own=settings.own) if settings.selectors else Selectors()
    try:
        select(workspace.graph, request.select, request.exclude, selector=request.selector, selectors=known)
    except UsageError as error:
        if any(p.code == "U011" for p in error.problems):
            hint = "tasks are written down once: select by names, tags, paths"
            raise UsageError(Problem("U133", f"this selection changes by itself ({error.first.message})", None, hint)) from error
        raise


def _timing(schedule: Schedule | None) -> Timing:
    if schedule is None:
        return Timing()
    return Timing(
        crontab(schedule),
        schedule.zone,
        schedule.overlap != "allow",
        schedule.timeout,
        schedule.description,
        schedule.tags,
        schedule.owner,
    )


def words(workspace: Workspace, request: Request, schedule: Schedule | None, wanted: Wanted) -> tuple[str, ...]:
    """What every call of ``orc task`` says beside the task.

    Raises:
        ConfigError: U136, a variable is a secret: generated files are no place for one.
    """
    invocation = workspace.invocation
    target = (schedule.target if schedule else None) or invocation.target
    given = {**invocation.vars, **(schedule.vars if schedule else {})}
    threads = (schedule.threads if schedule else None) or request.threads
    found = ["--granularity", wanted.granularity, "--retries", wanted.retrying]
    found += ["--command", request.command] if request.command != "build" else []
    for option, values in (("--select", request.select), ("--exclude", request.exclude)):
        found += [word for value in values for word in (option, value)]
    single = {"--selector": request.selector, "--profile": invocation.profile, "--target": target}
    found += [word for option, value in single.items() if value is not None for word in (option, value)]
    found += ["--threads", str(threads)] if threads else []
    found += ["--full-refresh"] if request.full_refresh else []
    found += ["--vars", _json(given, workspace)] if given else []
    return tuple(found)


def _json(given: Mapping[str, object], workspace: Workspace) -> str:
    from orchestrator.app import secrets

    text = json.dumps(given, default=str, sort_keys=True)
    if any(secret.reveal() in text for secret in secrets(workspace) if secret.reveal()):
        raise ConfigError(
            Problem("U136", "a variable holds a secret, which would stand in the generated files", None, "env_var() in a template")
        )
    return text


def depth(out: Path, root: Path) -> int | None:
    """How many folders above ``out`` the project is, for a file in it; ``None`` when it is not.

    >>> depth(Path("/p/exports/airflow"), Path("/p")), depth(Path("/dags"), Path("/p"))
    (2, None)
    """
    try:
        return len(out.resolve().relative_to(root.resolve()).parts)
    except ValueError:
        return None


def stale(files: Mapping[str, str], out: Path) -> tuple[str, ...]:
    """The files that are not there as they would be written."""
    found = []
    for name, text in files.items():
        try:
            same = (out / name).read_bytes() == text.encode("utf-8", "backslashreplace")
        except OSError:
            same = False
        found += [] if same else [name]
    return tuple(found)
