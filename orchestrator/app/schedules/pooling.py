"""The pools that a run's nodes share with those of other runs."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from orchestrator.app.invocation import Invocation
from orchestrator.core.plan import Plan

if TYPE_CHECKING:
    from orchestrator.record.database import Place
    from orchestrator.record.pools import Pools


def pooling(invocation: Invocation, plan: Plan) -> Pools | None:
    """The pools of a run; ``None`` when none of its nodes is in one.

    Raises:
        ConfigError: ``schedules.yml``, where their widths are, cannot be read.
    """
    if not any(task.pool for task in plan.tasks):
        return None
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.record.pools import Pools

    declared = scheduling(invocation.root).limits.pools
    return Pools(state(invocation), invocation.clock, declared, run=invocation.id, pid=os.getpid(), host=socket.gethostname())


def state(invocation: Invocation) -> Place:
    """Where the state of a project is: a file beside it, or a server that it names."""
    from orchestrator.load.remembering import remembering

    said = remembering(invocation.root, invocation.env)
    if said.url is None:
        return invocation.root / ".orchestrator" / "state.db"
    from orchestrator.adapters import registry

    return registry.state(said.url)
