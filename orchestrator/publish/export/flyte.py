"""A Flyte workflow: one task function, a node for each task."""

from __future__ import annotations

from orchestrator.core.portion import Flow
from orchestrator.publish.export.python import identity, parts
from orchestrator.publish.export.words import filled, quoted

TEMPLATE = '''"""@TITLE@, for Flyte. Written by `orc export flyte`: change the project, and write it again.

    pyflyte run @FILE@ flow                 run it here: Flyte's own local execution stops at the first failure
    pyflyte run --remote @FILE@ flow        on a cluster, whose image holds orc and the project: what needs no failed task still runs
    pyflyte register @FILE@                 with its schedule@WHEN@

A node runs `orc task` in a process of its own: its tables with their gates, in the order of the project. Flyte tries again what may
pass (exit code @AGAIN@); everything else that fails fails at once, and what needs it does not run.

ORC_PROJECT_DIR says where the project is in the image, ORC_COMMAND how to call orc there (default: orc).
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from flytekit import @IMPORTED@
from flytekit.core.workflow import WorkflowFailurePolicy
from flytekit.exceptions.user import FlyteRecoverableException

ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
FLOW = @FLOW@
WORDS = @WORDS@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}
@RUNNING@

class Failed(Exception):
    """A task failed; its log says why."""


@task
def portion(name: str, run_key: str) -> None:
    """A task of the project."""
    key = run_key or str(current_context().execution_id.name)
    once = ["--unless-done"] if run_key else []
    code = orc(name, f"flyte:{FLOW}/{key}", *once, say=lambda line: print(line, file=sys.stderr, flush=True))
    if code == @AGAIN@:
        raise FlyteRecoverableException(f"{name}: failed of what may pass")
    if code:
        raise Failed(f"{name}: exit code {code}")


flow = Workflow(name=FLOW, failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
flow.add_workflow_input("run_key", str)
NODES = {}
for name, (_, needs, _, retries, *_) in TASKS.items():
    NODES[name] = flow.add_entity(portion, name=name, run_key=flow.inputs["run_key"])
    NODES[name].with_overrides(node_name=name.replace("_", "-")@RETRIES@)
    for need in needs:
        NODES[need] >> NODES[name]
@SCHEDULE@'''

SCHEDULE = """
schedule = LaunchPlan.get_or_create(
    workflow=flow,
    name=f"{FLOW}_schedule",
    schedule=CronSchedule(schedule=@CRON@),
    fixed_inputs={"run_key": ""},
    auto_activate=True,
)
"""


def flyte(flow: Flow) -> dict[str, str]:
    """The workflow's file."""
    name = identity(flow)
    crons = flow.timing.crons
    found = filled(
        TEMPLATE,
        {
            **parts(flow, "flyte"),
            "FILE": f"{name}.py",
            "WHEN": "" if crons else " (it has none)",
            "IMPORTED": "CronSchedule, LaunchPlan, Workflow, current_context, task" if crons else "Workflow, current_context, task",
            "RETRIES": ", retries=retries",
            "SCHEDULE": filled(SCHEDULE, {"CRON": quoted(crons[0])}) if crons else "",
        },
    )
    return {f"{name}.py": found}
