"""All commands; importing this registers them. Bodies import what they use, so ``--help`` stays instant."""

from orchestrator.cli import building, inspecting, managing

__all__ = ["building", "inspecting", "managing"]
