"""All commands; importing this registers them. Bodies import what they use, so ``--help`` stays instant."""

from orchestrator.cli import building, diffing, documenting, inspecting, linting, managing, remembering, reviewing, sourcing, tracing

__all__ = ["building", "diffing", "documenting", "inspecting", "linting", "managing", "remembering", "reviewing", "sourcing", "tracing"]
