"""Help with the options in sections: thirty options in one list are read by nobody."""

from __future__ import annotations

from typing import Any

import click

OWN = "Options"
"""The section of options that belong to one command only."""

COLUMN = 25
"""Where the explanations begin in every section; what is longer has a line of its own."""

ORDER = (OWN, "Selection", "State", "Building", "Running", "Project", "Console")


class Option(click.Option):
    """An option that knows its section."""

    def __init__(self, *arguments: Any, section: str = OWN, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.section = section


class Command(click.Command):
    """Lists its own options first, then the shared ones by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's lists."""
        by_section(self, ctx, formatter)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's sentences; examples stay in their lines, also below a mark that a raw docstring spells out."""
        if self.help and "\\b" in self.help:
            self.help = self.help.replace("\\b\n", "\b\n")
        super().format_help_text(ctx, formatter)


class Group(Command, click.Group):
    """A command that does something by itself, and has commands below it."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's lists, the commands last."""
        by_section(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def by_section(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's options, section by section."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None  # arguments: the docstring's business
        if record is not None:
            section = ORDER[-1] if "--help" in param.opts else getattr(param, "section", OWN)
            rows.setdefault(section, []).append((record[0].ljust(COLUMN), record[1]))
    for section in (*ORDER, *(s for s in rows if s not in ORDER)):
        if section in rows:
            with formatter.section(section):
                formatter.write_dl(rows[section], col_max=COLUMN + 2)
