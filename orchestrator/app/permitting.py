"""Who may build in a target: what `allow` of a profile's output says."""

from __future__ import annotations

from orchestrator.app.opening import Workspace
from orchestrator.app.past.grounds import trigger
from orchestrator.core.errors import Problem, UsageError

VARIABLE = "ORC_ALLOW"
"""Names the target that is meant: what ``--allow`` sets."""


def permitted(workspace: Workspace, environment: str = "") -> None:
    """Let a run go on that may build in its target. What is built beside it, in an ``environment``, concerns nobody else.

    Raises:
        UsageError: U140, it may not.
    """
    target, env = workspace.project.target, workspace.invocation.env
    began = trigger(env).partition(":")[0]
    if not target.allow or environment or began in target.allow or env.get(VARIABLE) == target.name:
        return
    message = f"`{target.name}` is built by {', '.join(target.allow)}; this run was begun by {began}"
    hint = f"`--allow {target.name}` if you mean it, `--environment NAME` to build beside it, or another `--target`"
    raise UsageError(Problem("U140", message, None, hint))
