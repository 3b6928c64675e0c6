"""The group of commands, the one error boundary, the one ``sys.exit``."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import click

from orchestrator.cli.completing import VARIABLE, wordily
from orchestrator.cli.interrupts import INTERRUPTED, Interrupts
from orchestrator.cli.sections import Command
from orchestrator.cli.words import command_first, gathered
from orchestrator.core.errors import OrcError, Problem, StoreError
from orchestrator.core.version import VERSION

FIRST = ("init", "build", "run", "test", "show", "ls", "compile", "retry", "runs", "debug")
"""The ten commands people need, in the order they need them."""

SUMMARY = 64
"""Characters of a command's first sentence: beside its name it fits a terminal of 80 columns."""

NOTHING_RAN = 2
"""The exit code when nothing could run: usage, project, warehouse, or our bug."""

UNREAD = 141
"""The exit code when the reader of our output left (``orc ls | head``), as shells know it."""


class Commands(click.Group):
    """Lists the everyday commands first; suggests the nearest name for a mistyped one."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """First the everyday ones, then the rest by name."""
        return [*FIRST, *sorted(name for name in self.commands if name not in FIRST and not self.commands[name].hidden)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The order people type it in."""
        formatter.write_usage(ctx.command_path, "COMMAND [OPTIONS]")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The everyday commands with what they do, the others by name: the whole must fit a screen of 24 lines."""
        names = [n for n in self.list_commands(ctx) if n in self.commands]
        everyday, more = [n for n in names if n in FIRST], [n for n in names if n not in FIRST]
        with formatter.section("Everyday"):
            formatter.write_dl([(n, self.commands[n].get_short_help_str(SUMMARY)) for n in everyday])
        if more:
            with formatter.section("More"):
                width = formatter.width - formatter.current_indent
                for line in wrap(" ".join(more), width, break_on_hyphens=False):  # a name stays in one piece
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        formatter.write_paragraph()
        formatter.write_text("`orc COMMAND -h` explains a command, `orc --version` says which orc this is.")

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """``list`` is ``ls``; a typo gets a suggestion."""
        if args and args[0] == "list":
            args = ["ls", *args[1:]]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from orchestrator.core.errors import did_you_mean

            hint = did_you_mean(args[0], self.commands)
            raise click.UsageError(f"there is no command `{args[0]}`" + (f"; {hint}" if hint else ""), ctx) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="orc", message="orc %(version)s")
def orc() -> None:
    """Raw tables in, trusted tables out: SQL and Python models, built in order, tested before they are published."""


def run(arguments: list[str] | None = None) -> None:
    """Parse the command line, run the command, exit."""
    interrupts = Interrupts()
    interrupts.listen()
    sys.exit(interrupts.exit_code(call(arguments, {"interruptible": interrupts.during})))


def call(arguments: list[str] | None = None, given: Mapping[str, Any] | None = None) -> int:
    """Run a command line and return its exit code. ``given`` is what commands may need of the process."""
    from orchestrator.cli.homes import register

    words = sys.argv[1:] if arguments is None else arguments
    completing = VARIABLE in os.environ
    register("" if completing or not words else {"list": "ls"}.get(words[0], words[0]))
    if completing:
        wordily()
    debug = any(w in ("-d", "--debug") for w in words)
    options: dict[str, Any] = dict(given or {})
    try:
        code = orc.main(args=gathered(_command_first(words)), prog_name="orc", standalone_mode=False, obj=options)
        if "root" in options:
            from orchestrator.cli.complaints import withdraw

            withdraw(options)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as left:
        return left.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        _silence()
        return UNREAD
    except OrcError as error:
        return complain(error, options, debug=debug)
    except Exception as error:
        if debug:
            raise
        return complain(_unexpected(error), options, debug=debug)


def _command_first(words: list[str]) -> list[str]:
    """``orc --debug run`` is ``orc run --debug``; what the group itself answers (``--version``) stays."""
    if not words or not words[0].startswith("-") or words[0] in ("--version", "--help", "-h"):
        return words
    options = [p for c in orc.commands.values() for p in c.params if isinstance(p, click.Option)]
    valued = {name for o in options if not (o.is_flag or o.count) for name in o.opts}
    return command_first(words, {*orc.commands, "list"}, valued)


def _unexpected(error: Exception) -> OrcError:
    """The boundary: whatever no stage knew is a full disk, or our bug."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        _silence()
        return StoreError(
            Problem("S006", f"cannot write: {error.strerror}", None, "is the disk full? what was published before is untouched")
        )
    hint = "this is a bug in orc; run again with --debug for the traceback"
    return OrcError(Problem("X900", f"{type(error).__name__}: {error}", None, hint))


def _silence() -> None:
    """Nobody reads our output any more: what is still buffered goes nowhere, and quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())


def complain(error: OrcError, options: dict[str, Any], *, debug: bool) -> int:
    """Show what stopped the command, write target/error.json, exit code 2."""
    from orchestrator.cli.complaints import show

    show(error, options, debug=debug)
    return NOTHING_RAN
