"""All commands; importing this registers them. Bodies import what they use, so ``--help`` stays instant."""

from orchestrator.cli import (
    auditing,
    backfilling,
    building,
    commenting,
    diffing,
    documenting,
    inspecting,
    linting,
    managing,
    observing,
    remembering,
    reviewing,
    scheduling,
    serving,
    sourcing,
    tracing,
)

__all__ = [
    "auditing",
    "backfilling",
    "building",
    "commenting",
    "diffing",
    "documenting",
    "inspecting",
    "linting",
    "managing",
    "observing",
    "remembering",
    "reviewing",
    "scheduling",
    "serving",
    "sourcing",
    "tracing",
]
