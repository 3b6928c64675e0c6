"""A Prefect 3 flow: a task run for each task, whose end the flow takes over, and a `main` that ends with the right exit code."""

from __future__ import annotations

from orchestrator.core.portion import Flow
from orchestrator.publish.export.python import identity, parts
from orchestrator.publish.export.words import filled, listed, quoted

TEMPLATE = '''"""@TITLE@, for Prefect. Written by `orc export prefect`: change the project, and write it again.

    python @FILE@                           run it here; the exit code is 1 when a task failed
    python @FILE@ --run-key 2026-01-31      ... unless it was done under this key: again, it does what is missing
    python @FILE@ serve                     a deployment@WHEN@

A task runs `orc task` in a process of its own: its nodes with their gates, in the order of the project. Prefect tries again what may
pass (exit code @AGAIN@); everything else that fails fails at once, and what needs it does not run.

ORC_PROJECT_DIR says where the project is, ORC_COMMAND how to call orc (default: orc).
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
@SCHEDULEIMPORT@
ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
FLOW = @FLOW@
WORDS = @WORDS@
SCHEDULES = @SCHEDULES@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}
@RUNNING@

class Failed(Exception):
    """A task failed; its log says why."""


class MayPass(Failed):
    """A task failed of what may pass."""


def may_pass(_task, _run, state) -> bool:
    """Whether trying again may help."""
    return isinstance(state.result(raise_on_failure=False), MayPass)


@task(retry_condition_fn=may_pass, cache_policy=None, persist_result=False)
def portion(name: str, key: str) -> None:
    """A task of the project."""
    code = orc(name, f"prefect:{FLOW}/{key}", "--unless-done", say=get_run_logger().info)
    if code:
        raise (MayPass if code == @AGAIN@ else Failed)(f"{name}: exit code {code}")


@flow(
    name=FLOW,
    description=@DESCRIPTION@,
    task_runner=ThreadPoolTaskRunner(max_workers=@WIDTH@),
    timeout_seconds=@TIMEOUT@,
)
def flow_of_all(run_key: str = "") -> list:
    """Run every task after those it needs."""
    key, ended = run_key or str(flow_run.id), {}
    for name, (_, needs, _, retries, delay, grows, most) in TASKS.items():
        waits = [min(delay * 2**number, most) if grows else delay for number in range(retries)]
        one = portion.with_options(name=name, task_run_name=name, retries=retries, retry_delay_seconds=waits or 0)
        ended[name] = one.submit(name, key, wait_for=[ended[need] for need in needs])
    for one in ended.values():
        one.wait()
    return list(ended.values())  # the flow fails when one of them did: without this it would be completed


def main() -> int:
    """Run the flow, or serve it; returns the exit code."""
    given = argparse.ArgumentParser(description=@DESCRIPTION@)
    given.add_argument("what", nargs="?", choices=["run", "serve"], default="run")
    given.add_argument("--run-key", default="", help="names the run (default: a new one)")
    asked = given.parse_args()
    if asked.what == "serve":
        flow_of_all.serve(name=FLOW, tags=@TAGS@, limit=@LIMIT@, schedules=SCHEDULES)
        return 0
    state = flow_of_all(run_key=asked.run_key, return_state=True)
    print(f"{FLOW}: {state.name}", file=sys.stderr)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def prefect(flow: Flow) -> dict[str, str]:
    """The flow's file."""
    name = identity(flow)
    zone = quoted(flow.timing.zone)
    times = ", ".join(f"Cron({quoted(cron)}, timezone={zone})" for cron in flow.timing.crons)
    found = filled(
        TEMPLATE,
        {
            **parts(flow, "prefect"),
            "FILE": f"{name}.py",
            "WHEN": ", at the times of its schedule" if times else "",
            "SCHEDULEIMPORT": "from prefect.schedules import Cron\n" if times else "",
            "SCHEDULES": f"[{times}]" if times else "None",
            "LIMIT": "1" if flow.timing.one else "None",
            "TAGS": listed(("orc", *flow.timing.tags)),
        },
    )
    return {f"{name}.py": found}
