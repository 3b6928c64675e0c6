"""Only what a command is made of is imported for it."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from orchestrator.cli import commands  # noqa: F401  registers them
from orchestrator.cli.homes import HOMES
from orchestrator.cli.main import orc


def modules(command: click.Command) -> set[str]:
    """Where a command and all below it are defined."""
    assert command.callback is not None
    found = {command.callback.__module__.rpartition(".")[2]}
    return found.union(*(modules(c) for c in command.commands.values())) if isinstance(command, click.Group) else found


def test_every_command_is_at_home_where_it_is_defined() -> None:
    assert {name: set(places) for name, places in HOMES.items()} == {name: modules(command) for name, command in orc.commands.items()}


@pytest.mark.parametrize(
    ("words", "known"),
    [(["ls", "-h"], {"compile", "debug", "ls", "parse", "plan", "show"}), (["--debug", "ls", "-h"], set(HOMES)), (["lss"], set(HOMES))],
    ids=["a command", "an option first", "no command"],
)
def test_the_others_are_imported_only_where_they_are_wanted(words: list[str], known: set[str]) -> None:
    script = "import sys\nfrom orchestrator.cli.main import call, orc\ncall(sys.argv[1:])\nprint('known:', *orc.commands)"
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=30, check=True)
    assert set(done.stdout.rpartition("known: ")[2].split()) == known
