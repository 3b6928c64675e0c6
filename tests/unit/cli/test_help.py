"""Help that can be read: on one screen, of every command, of every option."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli import commands  # noqa: F401  registers them
from orchestrator.cli.main import FIRST, orc
from orchestrator.cli.sections import ORDER, Option

COLUMNS, LINES = 80, 24


def help_of(*path: str) -> str:
    done = CliRunner().invoke(orc, [*path, "--help"], terminal_width=COLUMNS, prog_name="orc")
    assert done.exit_code == 0
    return done.output


def every_command(group: click.Group = orc, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in every_command()]


def test_the_first_screen_holds_the_whole_help_and_the_prompt_after_it() -> None:
    lines = help_of().rstrip("\n").split("\n")
    assert len(lines) < LINES
    assert max(map(len, lines)) <= COLUMNS
    assert not [line for line in lines if line.rstrip().endswith("...") and not line.startswith("Usage")]


def test_the_ten_everyday_commands_come_first_and_in_order() -> None:
    lines = help_of().split("\n")
    start = lines.index("Everyday:") + 1
    assert [line.split()[0] for line in lines[start : start + len(FIRST)]] == list(FIRST)


def test_every_command_is_on_the_first_screen() -> None:
    words = help_of().split()
    assert [name for name, command in orc.commands.items() if not command.hidden and name not in words] == []


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_says_what_it_does(path: tuple[str, ...], command: click.Command) -> None:
    assert (command.help or "").strip(), f"`orc {' '.join(path)}` has no docstring"
    assert not command.get_short_help_str(64).endswith("..."), "the first sentence does not fit the list of commands"


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_option_says_what_it_is_for(path: tuple[str, ...], command: click.Command) -> None:
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.opts[0] for o in options if not (o.help or "").strip()] == []
    assert {o.section for o in options if isinstance(o, Option)} <= set(ORDER)


@pytest.mark.parametrize(("path", "command"), ALL)
def test_a_command_s_help_fits_the_width_of_a_terminal(path: tuple[str, ...], command: click.Command) -> None:
    lines = help_of(*path).split("\n")
    assert max(map(len, lines)) <= COLUMNS
    shown = " ".join(lines)
    hidden = [o for p in command.params if isinstance(p, click.Option) and not p.hidden for o in p.opts if o not in shown]
    assert hidden == []
