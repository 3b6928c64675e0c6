"""Every option, defined once; commands stack what they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def _env(name: str) -> list[str]:
    return [f"ORC_{name}", f"DBT_{name}"]


def _stack(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


project = _stack(
    click.option("--project-dir", type=click.Path(file_okay=False), envvar=_env("PROJECT_DIR"), help="The project's folder (default: the nearest upward)."),
    click.option("--profiles-dir", type=click.Path(file_okay=False), envvar=_env("PROFILES_DIR"), help="Where profiles.yml is."),
    click.option("--profile", envvar=_env("PROFILE"), help="The profile to use."),
    click.option("-t", "--target", envvar=_env("TARGET"), help="The profile's output to use."),
    click.option("--target-path", type=click.Path(file_okay=False), envvar=_env("TARGET_PATH"), help="Where artifacts go (default: target)."),
    click.option("--vars", "variables", default="", metavar="YAML", help="Variables, e.g. '{day: 2013-01-01}'."),
    click.option("--strict", is_flag=True, envvar="ORC_STRICT", help="Undeclared tables and warnings at parse time are errors."),
    click.option("--no-partial-parse", "no_cache", is_flag=True, help="Read every file anew."),
    click.option("--partial-parse", "_cache", is_flag=True, hidden=True),
)
"""Where the project is and how to connect."""

console = _stack(
    click.option("-q", "--quiet", is_flag=True, envvar=_env("QUIET"), help="Errors only."),
    click.option("-d", "--debug", is_flag=True, envvar=_env("DEBUG"), help="Say more; show tracebacks of our own."),
    click.option("--log-format", type=click.Choice(["text", "json", "default", "debug"]), default="text", envvar=_env("LOG_FORMAT"), help="How progress is told."),
    click.option("--use-colors/--no-use-colors", "--color/--no-color", "colour", default=None, help="Force or forbid colour."),
    click.option("--log-level", hidden=True),
    click.option("--printer-width", type=int, hidden=True),
)
"""How to talk."""

selection = _stack(
    click.option("-s", "--select", "-m", "--models", "select", multiple=True, metavar="WORDS", help="Which nodes: names, tag:x, path/, +up, down+, a,b …"),
    click.option("--exclude", multiple=True, metavar="WORDS", help="Which nodes to leave out."),
    click.option("--selector", help="A selection named in selectors.yml."),
    click.option("--resource-type", "resource_types", multiple=True, envvar=_env("RESOURCE_TYPES"), help="Only these kinds (model, seed, test, …)."),
    click.option("--exclude-resource-type", "exclude_resource_types", multiple=True, help="All but these kinds."),
    click.option("--indirect-selection", "indirect", type=click.Choice(["eager", "cautious", "buildable", "empty"]), default="eager", envvar=_env("INDIRECT_SELECTION"), help="Which tests come along with what they test."),
)
"""Which nodes."""

running = _stack(
    click.option("--threads", type=click.IntRange(1, 512), envvar=_env("THREADS"), help="How many nodes at once."),
    click.option("-x", "--fail-fast/--no-fail-fast", "fail_fast", default=None, envvar=_env("FAIL_FAST"), help="Stop at the first failure."),
    click.option("--lock-timeout", type=float, envvar="ORC_LOCK_TIMEOUT", metavar="SECONDS", help="How long to wait for a database another process holds."),
    click.option("--warn-error", is_flag=True, envvar=_env("WARN_ERROR"), help="Warnings are errors."),
    click.option("--no-write-json", "no_write", is_flag=True, hidden=True),
    click.option("--write-json", "_write", is_flag=True, hidden=True),
)
"""How to run."""

building = _stack(
    click.option("-f", "--full-refresh/--no-full-refresh", "full_refresh", default=False, envvar=_env("FULL_REFRESH"), help="Rebuild incremental models from nothing."),
    click.option("--empty/--no-empty", "empty", default=False, envvar=_env("EMPTY"), help="Build with no rows: checks the SQL, fast."),
    click.option("--gates/--no-gates", "gates", default=True, help="Test before publishing (default), or publish first as dbt does."),
)
"""How to build."""

store_failures = click.option("--store-failures/--no-store-failures", "store_failures", default=None, envvar=_env("STORE_FAILURES"), help="Keep the rows that fail tests as tables.")
output = click.option("--output", type=click.Choice(["selector", "name", "path", "json"]), default="selector", help="How to print each node.")
output_keys = click.option("--output-keys", multiple=True, metavar="KEYS", help="Keys of the JSON output.")
