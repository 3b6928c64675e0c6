"""A Mage pipeline: a custom block for each task, which all run the code of one file, and a trigger for its schedule."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.portion import Flow
from orchestrator.publish.export.python import described, identity, parts, title
from orchestrator.publish.export.words import filled, names, quoted, scalar, told

CODE = '''"""@TITLE@, for Mage. Written by `orc export mage`: change the project, and write it again.

What every block of the pipeline @PIPELINE@ does. A block runs `orc task` in a process of its own: its nodes with their gates, in the order
of the project. What may pass (exit code @AGAIN@) is tried again here, for Mage would try everything again; the rest fails at once.

ORC_PROJECT_DIR says where the project is, ORC_COMMAND how to call orc (default: orc).
"""

import os
import shlex
import subprocess
import time
from pathlib import Path

ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
FLOW = @FLOW@
WORDS = @WORDS@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}
@RUNNING@

def portion(name: str, given: dict) -> dict:
    """Run a task; what Mage gives to a block says of which run it is."""
    known = given.get("run_key") or given.get("pipeline_run_id") or given.get("execution_date")
    run, (_, _, _, retries, delay, grows, most) = f"mage:{FLOW}/{known}", TASKS[name]
    once = ["--unless-done"] if given.get("run_key") else []
    for number in range(retries + 1):
        code = orc(name, run, *once, say=lambda line: print(line, flush=True))
        if code == 0:
            return {"task": name, "run": run}
        if code != @AGAIN@ or number == retries:
            break
        time.sleep(min(delay * 2**number, most) if grows else delay)
    raise RuntimeError(f"{name}: exit code {code}")
'''

BLOCK = '''"""A task of @PIPELINE@. Written by `orc export mage`."""

import os
import runpy

from mage_ai.settings.repo import get_repo_path

if "custom" not in globals():
    from mage_ai.data_preparation.decorators import custom

FLOW = runpy.run_path(os.path.join(get_repo_path(), "orc", @FILE@))


@custom
def portion(*_args, **given):
    """Run it."""
    return FLOW["portion"](@TASK@, given)
'''


def mage(flow: Flow) -> dict[str, str]:
    """The files of a Mage project: a pipeline, its trigger, the code of its blocks."""
    name = identity(flow)
    given = parts(flow, "mage")
    place = f"Path(__file__).resolve().parents[{flow.up + 1}]" if flow.up is not None else "Path.cwd()"
    more = {"PIPELINE": told(name), "PROJECT": f'Path(os.environ.get("ORC_PROJECT_DIR") or {place})', "FILE": quoted(f"{name}.py")}
    files = {
        "metadata.yaml": "# What Mage asks of a project; the rest is below pipelines/, custom/ and orc/.\n"
        "project_type: standalone\nhelp_improve_mage: false\n",
        f"orc/{name}.py": filled(CODE, {**given, **more}),
        f"pipelines/{name}/__init__.py": "",
        f"pipelines/{name}/metadata.yaml": "".join(_pipeline(flow, name)),
    }
    for task in names(p.key for p in flow.portions).values():
        files[f"custom/{_block(name, task)}.py"] = filled(BLOCK, {**more, "TASK": quoted(task)})
    if flow.timing.crons:
        files[f"pipelines/{name}/triggers.yaml"] = "".join(_trigger(flow, name))
    return files


def _pipeline(flow: Flow, name: str) -> Iterator[str]:
    called = names(p.key for p in flow.portions)
    below: dict[str, list[str]] = {p.key: [] for p in flow.portions}
    for portion in flow.portions:
        for need in portion.needs:
            below[need].append(called[portion.key])
    yield f"# {told(title(flow))}: written by `orc export mage`; change the project, and write it again.\n"
    yield f"name: {scalar(name)}\nuuid: {scalar(name)}\ntype: python\ndescription: {scalar(described(flow))}\n"
    yield "run_pipeline_in_one_process: false\nretry_config: {retries: 0}\n"
    blocks, runs = 1 if flow.alone else flow.width, 1 if flow.timing.one else 16
    yield f"concurrency_config: {{block_run_limit: {blocks}, pipeline_run_limit: {runs}}}\n"
    yield "blocks:\n"
    for portion in flow.portions:
        task = called[portion.key]
        block, above = scalar(_block(name, task)), ", ".join(scalar(_block(name, called[n])) for n in portion.needs)
        yield f"- uuid: {block}\n  name: {block}\n  type: custom\n  language: python\n  executor_type: local_python\n"
        yield f"  upstream_blocks: [{above}]\n  downstream_blocks: [{', '.join(scalar(_block(name, t)) for t in below[portion.key])}]\n"
        yield "  retry_config: {retries: 0}\n"


def _block(name: str, task: str) -> str:
    """A block's name: Mage's blocks are one name space for all pipelines."""
    return f"{name}_{task}"


def _trigger(flow: Flow, name: str) -> Iterator[str]:
    yield "triggers:\n"
    yield f"- name: {scalar(name)}\n  pipeline_uuid: {scalar(name)}\n  schedule_type: time\n"
    yield f"  schedule_interval: {scalar(flow.timing.crons[0])}\n"
    yield "  start_time: 2026-01-01 00:00:00\n  status: active\n"
    limit = "" if flow.timing.timeout is None else f", timeout: {flow.timing.timeout}, timeout_status: failed"
    yield f"  settings: {{skip_if_previous_running: {str(flow.timing.one).lower()}, allow_blocks_to_fail: false{limit}}}\n"
    yield f"  description: {scalar(described(flow))}\n"
