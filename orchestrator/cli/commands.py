"""All commands; importing this registers them. Bodies import what they use, so ``--help`` stays instant."""

from orchestrator.cli import (
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
    sourcing,
    tracing,
)

__all__ = [
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
    "sourcing",
    "tracing",
]
