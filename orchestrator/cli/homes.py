"""Where each command is at home: making the thousand options of all of them takes as long as many a command does."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

MODULES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("alerting",): ("alerts",),
    ("auditing",): ("audit", "token"),
    ("backfilling",): ("backfill",),
    ("building",): ("build", "retry", "run", "seed", "snapshot", "test"),
    ("commenting", "reviewing"): ("ci",),
    ("developing",): ("dev",),
    ("diffing",): ("diff",),
    ("documenting",): ("docs",),
    ("exporting",): ("export", "task"),
    ("freshening",): ("freshness", "signal"),
    ("inspecting",): ("compile", "debug", "ls", "parse", "plan", "show"),
    ("linting",): ("format", "lint"),
    ("managing",): ("clean", "clone", "completion", "init", "run-operation"),
    ("observing",): ("asset", "perf", "status"),
    ("pooling",): ("pools",),
    ("remembering",): ("logs", "runs", "why"),
    ("scheduling",): ("schedule",),
    ("serving",): ("launched", "serve"),
    ("sourcing",): ("source",),
    ("tracing",): ("impact", "lineage"),
}
"""The commands of modules beside this one; of those of a group several may have a part."""

HOMES: Mapping[str, tuple[str, ...]] = {command: modules for modules, commands in MODULES.items() for command in commands}
"""The modules of a command."""


def register(command: str) -> None:
    """Import what a command is made of; of a word that is none, all commands: somebody wants to see or to guess them."""
    for module in HOMES.get(command, ("commands",)):
        import_module(f"orchestrator.cli.{module}")
