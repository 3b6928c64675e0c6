"""The group of commands, the one error boundary, the one ``sys.exit``."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli.words import gathered
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.version import VERSION

FIRST = ("init", "build", "run", "test", "show", "ls", "compile", "retry", "runs", "debug")
"""The ten commands people need, in the order they need them."""

NOTHING_RAN = 2
"""The exit code when nothing could run: usage, project, warehouse, or our bug."""


class Commands(click.Group):
    """Lists the everyday commands first; suggests the nearest name for a mistyped one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """First the everyday ones, then the rest by name."""
        return [*FIRST, *sorted(name for name in self.commands if name not in FIRST and not self.commands[name].hidden)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two short lists."""
        names = self.list_commands(ctx)
        for title, part in (("Everyday", names[: len(FIRST)]), ("More", names[len(FIRST) :])):
            rows = [(n, self.commands[n].get_short_help_str(60)) for n in part if n in self.commands]
            with formatter.section(title):
                formatter.write_dl(rows)

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
    sys.exit(call(arguments))


def call(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    from orchestrator.cli import commands  # noqa: F401 - registers the commands

    words = sys.argv[1:] if arguments is None else arguments
    debug = any(w in ("-d", "--debug") for w in words)
    options: dict[str, Any] = {}
    try:
        code = orc.main(args=gathered(words), prog_name="orc", standalone_mode=False, obj=options)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OrcError as error:
        return complain(error, options, debug=debug)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever is left is our bug
        if debug:
            raise
        problem = Problem("X900", f"{type(error).__name__}: {error}", None, "this is a bug in orc; run again with --debug for the traceback")
        return complain(OrcError(problem), options, debug=debug)


def complain(error: OrcError, options: dict[str, Any], *, debug: bool) -> int:
    """Show what stopped the command, write target/error.json, exit code 2."""
    from orchestrator.cli.complaints import show

    show(error, options)
    if debug and error.__cause__ is not None:
        import traceback

        traceback.print_exception(error)
    return NOTHING_RAN
