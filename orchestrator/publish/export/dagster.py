"""Dagster definitions: an asset for each table, its gates as blocking checks, an op for each task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.core.names import Relation
from orchestrator.core.portion import Flow, Portion
from orchestrator.publish.export.python import identity, parts
from orchestrator.publish.export.words import filled, listed, names, quoted, slug, slug_of

TEMPLATE = '''"""@TITLE@, for Dagster. Written by `orc export dagster`: change the project, and write it again.

    dagster asset materialize -f @FILE@ --select "*"
    dagster dev -f @FILE@

An op runs `orc task` in a process of its own: its nodes with their gates, in the order of the project. Every table is an asset, every gate
a blocking check of it. Dagster tries again what may pass (exit code @AGAIN@); everything else that fails fails at once, and what needs
it is not materialized.

ORC_PROJECT_DIR says where the project is on a worker, ORC_COMMAND how to call orc there (default: orc).
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import dagster as dg

ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
FLOW = @FLOW@
WORDS = @WORDS@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}

ASSETS = {
    # task: its tables, by what orc calls them: (asset key, the assets it needs)
@ASSETS@}

CHECKS = {
    # task: its tests, by what orc calls them: (check, asset key)
@CHECKS@}
@RUNNING@

GOOD = ("passed", "warned", "reused", "nothing")


def made(name: str) -> dg.AssetsDefinition:
    """The op of a task, with its assets and checks."""
    key, _, _, retries, delay, grows, most = TASKS[name]
    tables = {node: dg.AssetKey(path) for node, (path, _) in ASSETS[name].items()}
    checks = {test: (check, dg.AssetKey(path)) for test, (check, path) in CHECKS.get(name, {}).items()}

    @dg.multi_asset(
        name=name,
        group_name=FLOW,
        specs=[
            dg.AssetSpec(dg.AssetKey(path), deps=[dg.AssetKey(need) for need in needs], kinds={"sql"})
            for path, needs in ASSETS[name].values()
        ],
        check_specs=[dg.AssetCheckSpec(check, asset=asset, blocking=True) for check, asset in checks.values()],
    )
    def op(context: dg.AssetExecutionContext):
        said = []

        def say(line: str) -> None:
            if line.startswith('{"portion"'):
                said.append(line)
            else:
                context.log.info(line)

        run = f"dagster:{FLOW}/{context.run.root_run_id or context.run_id}"
        code = orc(name, run, "--output", "json", say=say)
        if code == @AGAIN@ and retries:
            wait = min(delay * 2**context.retry_number, most) if grows else delay
            raise dg.RetryRequested(max_retries=retries, seconds_to_wait=wait)
        results = {one["node"]: one for one in json.loads(said[-1])["results"]} if said else {}
        for test, (check, asset) in checks.items():
            if test in results and results[test]["status"] not in ("skipped", "cancelled"):
                told = results[test]
                yield dg.AssetCheckResult(
                    check_name=check,
                    asset_key=asset,
                    passed=told["status"] in GOOD and told["status"] != "warned",
                    severity=dg.AssetCheckSeverity.WARN if told["status"] == "warned" else dg.AssetCheckSeverity.ERROR,
                    metadata={"failures": told["failures"] or 0, "message": told["message"] or ""},
                )
        for node, asset in tables.items():
            if results[node]["status"] in GOOD if node in results else not code:
                told = results.get(node, {})
                yield dg.MaterializeResult(
                    asset_key=asset,
                    metadata={k: told[k] for k in ("rows", "seconds", "relation", "message") if told.get(k) is not None},
                )
        if code:
            raise dg.Failure(f"{key}: exit code {code}", allow_retries=False)

    return op


OPS = [made(name) for name in TASKS]
JOB = dg.define_asset_job(FLOW, selection=dg.AssetSelection.assets(*OPS), tags=@RUNTAGS@)
@SCHEDULE@
defs = dg.Definitions(
    assets=OPS,
    jobs=[JOB],
    schedules=@SCHEDULES@,
    executor=@EXECUTOR@,
)
'''

SCHEDULE = '''

@dg.schedule(
    name=f"{FLOW}_schedule",
    job=JOB,
    cron_schedule=@CRON@,
    execution_timezone=@ZONE@,
    description=@DESCRIPTION@,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext):
    """Start a run@ONE@."""
    @BODY@

'''

WAITING = """status = dg.DagsterRunStatus
    going = dg.RunsFilter(job_name=FLOW, statuses=[status.QUEUED, status.STARTING, status.STARTED])
    if context.instance.get_runs_count(going):
        return dg.SkipReason("the run before is not over")
    return dg.RunRequest()"""

_PLAIN = re.compile(r"[A-Za-z0-9_]+")


def dagster(flow: Flow) -> dict[str, str]:
    """The definitions' file."""
    name = identity(flow)
    keys = _keys(flow)
    crons = flow.timing.crons
    given = parts(flow, "dagster")
    when = {
        **given,
        "CRON": quoted(crons[0]) if len(crons) == 1 else listed(crons),
        "ONE": ", unless the one before is not over" if flow.timing.one else "",
        "BODY": WAITING if flow.timing.one else "return dg.RunRequest()",
    }
    tags = {} if flow.timing.timeout is None else {"dagster/max_runtime": str(flow.timing.timeout)}
    found = filled(
        TEMPLATE,
        {
            **given,
            "FILE": f"{name}.py",
            "ASSETS": "".join(_assets(flow, keys)),
            "CHECKS": "".join(_checks(flow, keys)),
            "RUNTAGS": f"{{{', '.join(f'{quoted(k)}: {quoted(v)}' for k, v in tags.items())}}}",
            "SCHEDULE": filled(SCHEDULE, when) if crons else "",
            "SCHEDULES": "[schedule]" if crons else "[]",
            "EXECUTOR": "dg.in_process_executor"
            if flow.alone
            else f'dg.multiprocess_executor.configured({{"max_concurrent": {flow.width}}})',
        },
    )
    return {f"{name}.py": found}


def _keys(flow: Flow) -> dict[str, tuple[str, ...]]:
    """The asset key of every table, by node, and of every task without tables, by its key."""
    before = (slug(flow.name),) if flow.beside else ()
    found: dict[str, tuple[str, ...]] = {}
    taken: set[tuple[str, ...]] = set()
    for portion in flow.portions:
        for node, relation in portion.tables or ((portion.key, Relation(None, "orc", portion.key)),):
            key = (*before, _part(relation.schema or flow.project), _part(relation.name))
            if key in taken:  # of another database
                key = (*key[:-1], slug_of(node, relation.name))
            taken.add(key)
            found[node] = key
    return found


def _part(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and len(text) <= 100 else slug(text)


def _assets(flow: Flow, keys: dict[str, tuple[str, ...]]) -> Iterator[str]:
    called = names(p.key for p in flow.portions)
    home = {node: p.key for p in flow.portions for node, _ in p.tables}
    first = {p.key: next((node for node, _ in p.tables), p.key) for p in flow.portions}
    for portion in flow.portions:
        nodes = [node for node, _ in portion.tables] or [portion.key]
        needs = {node: [n for n in portion.above.get(node, ()) if n in home] for node in nodes}
        seen = {home[n] for found in needs.values() for n in found}
        # What a task needs beyond its tables' parents: tests of a source, the other tables of a gate.
        needs[nodes[0]] += [first[need] for need in portion.needs if need not in seen]
        yield f"    {quoted(called[portion.key])}: {{\n"
        for node in nodes:
            above = ", ".join(listed(keys[n]) for n in dict.fromkeys(needs[node]))
            yield f"        {quoted(node)}: ({listed(keys[node])}, [{above}]),\n"
        yield "    },\n"


def _checks(flow: Flow, keys: dict[str, tuple[str, ...]]) -> Iterator[str]:
    called = names(p.key for p in flow.portions)
    for portion in flow.portions:
        tests = [(test, node) for node, found in portion.gates.items() for test in found] or _loose(portion)
        if tests:
            yield f"    {quoted(called[portion.key])}: {{\n"
            found = [_said(test) for test, _ in tests]
            for test, node in tests:
                name = _said(test)
                check = name if _PLAIN.fullmatch(name) and found.count(name) == 1 else slug_of(test, name)
                yield f"        {quoted(test)}: ({quoted(check)}, {listed(keys[node])}),\n"
            yield "    },\n"


def _loose(portion: Portion) -> list[tuple[str, str]]:
    """The tests of a task that builds nothing."""
    return [] if portion.tables else [(id_, portion.key) for id_ in portion.ids]


def _said(test: str) -> str:
    """What people call a test: ``test.shop.unique_orders_id.0f1e…`` is ``unique_orders_id``."""
    words = test.split(".")
    return words[2] if len(words) > 2 else test
