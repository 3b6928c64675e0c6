"""What the Python files for all engines have in common: the tasks as a table, and how one is run."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.patience import Retries
from orchestrator.core.portion import AGAIN, SKIPPED, Flow
from orchestrator.publish.export.words import filled, listed, names, quoted, slug, told

WAIT = "600"
"""Seconds that a task waits for a warehouse file that another one holds."""

RUNNING = '''
CHILDREN = set()


def orc(name: str, run: str, *more: str, say=print) -> int:
    """Run one task in a process of its own and return its exit code; what it tells goes to `say`, line by line."""
    key, _, digest, *_ = TASKS[name]
    command = [*ORC, "task", key, "--needs", digest, "--engine-run", run, "--project-dir", str(PROJECT), *WORDS, *more]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={"ORC_LOCK_TIMEOUT": "@WAIT@", **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        CHILDREN.add(child)
        try:
            for line in child.stdout:
                say(line.rstrip())
            code = child.wait()
            return code if code >= 0 else @AGAIN@  # killed: nobody knows why, so it may pass
        finally:
            CHILDREN.discard(child)
            end(child)


def end(child: subprocess.Popen) -> None:
    """Somebody wants an end: the task cancels its queries and goes, or is gone."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=40)
        except subprocess.TimeoutExpired:
            child.kill()
'''


def parts(flow: Flow, engine: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The pieces that go into every template."""
    called = names(p.key for p in flow.portions)
    rows = [
        f"    {quoted(called[p.key])}: ({quoted(p.key)}, {listed(called[n] for n in p.needs)}, {quoted(p.digest)}, "
        f"{_retries(flow, p.retries)}),  # {told(p.about)}\n"
        for p in flow.portions
    ]
    place = "Path(__file__).resolve()" + (f".parents[{flow.up}]" if flow.up is not None else ".parent")
    return {
        "TITLE": told(title(flow)),
        "FLOW": quoted(identity(flow)),
        "PROJECT": f'Path(os.environ.get("ORC_PROJECT_DIR") or {place})',
        "WORDS": listed(flow.words),
        "TASKS": "".join(rows),
        "RUNNING": filled(RUNNING, {"WAIT": WAIT, "AGAIN": str(AGAIN)}),
        "AGAIN": str(AGAIN),
        "SKIPPED": str(SKIPPED),
        "CRONS": listed(flow.timing.crons),
        "ZONE": quoted(flow.timing.zone),
        "WIDTH": str(1 if flow.alone else flow.width),
        "DESCRIPTION": quoted(described(flow)),
        "TAGS": listed(("orc", *flow.timing.tags)),
        "OWNER": quoted(flow.timing.owner or "orc"),
        "TIMEOUT": str(flow.timing.timeout),
        "ENGINE": quoted(engine),
        **(more or {}),
    }


def title(flow: Flow) -> str:
    """What a flow is called where people read it."""
    return flow.project if flow.name == flow.project else f"{flow.project}, {flow.name}"


def described(flow: Flow) -> str:
    """A sentence about a flow."""
    return flow.timing.description or f"{title(flow)}: written by orc export"


def identity(flow: Flow) -> str:
    """The name by which an engine knows a flow.

    >>> identity(Flow("rides", "rides", ())), identity(Flow("rides", "nightly", ()))
    ('rides', 'rides_nightly')
    """
    return slug(flow.project) if flow.name == flow.project else f"{slug(flow.project)}_{slug(flow.name)}"


def _retries(flow: Flow, said: Retries | None) -> str:
    """How often and how long apart the engine tries again: ``retries, seconds, grows, most seconds``."""
    if said is None or flow.retrying != "engine" or not said.count:
        return "0, 0, False, 0"
    return f"{said.count}, {said.delay:g}, {said.backoff == 'exponential'}, {said.max_delay:g}"
