"""Every option, defined once; commands stack what they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from orchestrator.cli.completing import node_words
from orchestrator.cli.sections import Option

Command = Callable[..., Any]

FOLDER = click.Path(file_okay=False)


def _env(name: str) -> list[str]:
    return [f"ORC_{name}", f"DBT_{name}"]


def _section(name: str) -> Callable[..., Callable[[Command], Command]]:
    """An option's decorator that files it under a section of the help."""

    def option(*names: str, **more: Any) -> Callable[[Command], Command]:
        return click.option(*names, cls=Option, section=name, **more)

    return option


def _stack(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


_project, _console, _selection = _section("Project"), _section("Console"), _section("Selection")
_running, _building = _section("Running"), _section("Building")

project = _stack(
    _project("--project-dir", type=FOLDER, metavar="FOLDER", envvar=_env("PROJECT_DIR"), help="The project (default: the nearest upward)."),
    _project("--profiles-dir", type=FOLDER, metavar="FOLDER", envvar=_env("PROFILES_DIR"), help="Where profiles.yml is."),
    _project("--profile", metavar="NAME", envvar=_env("PROFILE"), help="The profile to use."),
    _project("-t", "--target", metavar="NAME", envvar=_env("TARGET"), help="The profile's output to build in."),
    _project("--target-path", type=FOLDER, metavar="FOLDER", envvar=_env("TARGET_PATH"), help="Where artifacts go (default: target)."),
    _project("--vars", "variables", default="", metavar="YAML", help="Variables, e.g. '{day: 2013-01-01}'."),
    _project("--strict", is_flag=True, envvar="ORC_STRICT", help="Undeclared tables and warnings at parse time are errors."),
    _project("--no-partial-parse", "no_cache", is_flag=True, help="Read every file anew."),
    _project("--partial-parse", "_cache", is_flag=True, hidden=True, help="What happens anyway; accepted because dbt has it."),
)
"""Where the project is and how to connect."""

console = _stack(
    _console("-q", "--quiet", is_flag=True, envvar=_env("QUIET"), help="Errors only."),
    _console("-d", "--debug", is_flag=True, envvar=_env("DEBUG"), help="Say more; show tracebacks of our own."),
    _console(
        "--log-format",
        type=click.Choice(["text", "json", "default", "debug"]),
        metavar="text|json",
        default="text",
        envvar=_env("LOG_FORMAT"),
        help="How progress is told: for people, or one JSON object a line.",
    ),
    _console("--use-colors/--no-use-colors", "--color/--no-color", "colour", default=None, help="Force or forbid colour."),
    _console("--log-level", metavar="LEVEL", hidden=True, help="Ignored; accepted because dbt has it."),
    _console("--printer-width", type=int, hidden=True, help="Ignored; accepted because dbt has it."),
)
"""How to talk."""

selection = _stack(
    _selection(
        "-s",
        "--select",
        "-m",
        "--models",
        "select",
        multiple=True,
        metavar="WORDS",
        shell_complete=node_words,
        help="Which nodes: names, tag:x, path/, +up, down+, a,b …",
    ),
    _selection("--exclude", multiple=True, metavar="WORDS", shell_complete=node_words, help="Which nodes to leave out."),
    _selection("--selector", metavar="NAME", help="A selection named in selectors.yml."),
    _selection(
        "--resource-type", "resource_types", multiple=True, metavar="KIND", envvar=_env("RESOURCE_TYPES"), help="Only model, seed, test, …"
    ),
    _selection("--exclude-resource-type", "exclude_resource_types", multiple=True, metavar="KIND", help="All but these kinds."),
    _selection(
        "--indirect-selection",
        "indirect",
        type=click.Choice(["eager", "cautious", "buildable", "empty"]),
        metavar="MODE",
        default="eager",
        envvar=_env("INDIRECT_SELECTION"),
        help="Which tests come along: eager (default), cautious, buildable or empty.",
    ),
)
"""Which nodes."""

running = _stack(
    _running("--threads", type=click.IntRange(1, 512), metavar="NUMBER", envvar=_env("THREADS"), help="How many nodes at once."),
    _running("-x", "--fail-fast/--no-fail-fast", "fail_fast", default=None, envvar=_env("FAIL_FAST"), help="Stop at the first failure."),
    _running(
        "--lock-timeout",
        type=float,
        envvar="ORC_LOCK_TIMEOUT",
        metavar="SECONDS",
        help="How long to wait for a database or a table that another run holds.",
    ),
    _running("--allow", metavar="TARGET", envvar="ORC_ALLOW", help="Build there although its profile's `allow` does not name you."),
    _running("--warn-error", is_flag=True, envvar=_env("WARN_ERROR"), help="Warnings are errors."),
    _running("--no-write-json", "no_write", is_flag=True, hidden=True, help="Ignored; accepted because dbt has it."),
    _running("--write-json", "_write", is_flag=True, hidden=True, help="What happens anyway; accepted because dbt has it."),
)
"""How to run."""

on_conflict = _building(
    "--on-conflict",
    type=click.Choice(["wait", "attach", "skip", "fail"]),
    metavar="wait|attach|skip|fail",
    default="wait",
    envvar="ORC_ON_CONFLICT",
    help="When another run builds the same table: wait (default); wait, and take what it built; leave it to that run; fail.",
)
stale = _building(
    "--stale/--no-stale",
    "stale",
    default=False,
    envvar="ORC_STALE",
    help="Build only what is not fresh: other code, or other data, than it was made of.",
)
empty = _building("--empty/--no-empty", "empty", default=False, envvar=_env("EMPTY"), help="Build with no rows: checks the SQL, fast.")
building = _stack(
    _building(
        "-f",
        "--full-refresh/--no-full-refresh",
        "full_refresh",
        default=False,
        envvar=_env("FULL_REFRESH"),
        help="Rebuild incremental models from nothing.",
    ),
    empty,
    stale,
    on_conflict,
    _building(
        "--event-time-start",
        metavar="TIME",
        envvar=_env("EVENT_TIME_START"),
        help="Of models built by interval, build the batches from here on (UTC) …",
    ),
    _building("--event-time-end", metavar="TIME", envvar=_env("EVENT_TIME_END"), help="… up to here; both or neither."),
    _building("--gates/--no-gates", "gates", default=True, help="Test before publishing (default), or publish first as dbt does."),
)
"""How to build."""


state = _section("State")(
    "--state",
    metavar="PATH",
    envvar=["ORC_STATE", "DBT_STATE", "DBT_ARTIFACT_STATE_PATH"],
    help="An earlier state: the folder of its manifest.json, for `state:modified` and --defer.",
)
earlier = _stack(
    state,
    _section("State")(
        "--defer/--no-defer",
        "defer",
        default=None,
        envvar=[*_env("DEFER"), "DBT_DEFER_TO_STATE"],
        help="Read what is neither selected nor there from the state's tables.",
    ),
    _section("State")(
        "--favor-state/--no-favor-state",
        "favor_state",
        default=False,
        envvar=_env("FAVOR_STATE"),
        help="… also what is there.",
    ),
    _section("State")("--defer-state", metavar="PATH", envvar=_env("DEFER_STATE"), help="Another state to read from than --state."),
)
"""An earlier state, to compare with and to read from."""

environment = _section("State")(
    "--environment",
    metavar="NAME",
    envvar="ORC_ENVIRONMENT",
    help="Build beside production, in schemas that end in `__NAME`; read the rest from production.",
)


class Amount(click.ParamType[int]):
    """An amount of data: a number of bytes, or ``10GiB``."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Click's hook."""
        from orchestrator.core.sizes import written_bytes

        try:
            return value if isinstance(value, int) else written_bytes(value)
        except ValueError:
            self.fail(f"`{value}` is no amount of data; write it like 500MB or 10GiB", param, ctx)


class Share(click.ParamType[float]):
    """A share of all rows: ``1%`` or ``0.01``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Click's hook."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            self.fail(f"`{value}` is no share of the rows; write it like 1% or 0.01", param, ctx)
        return share


sample = _building(
    "--sample",
    type=Share(),
    envvar=_env("SAMPLE"),
    metavar="SHARE",
    help="Build from a part of the rows, 1% or 0.01, by a key that joins have in common. Never counts as the real thing.",
)
max_bytes = _building(
    "--max-bytes",
    type=Amount(),
    envvar="ORC_MAX_BYTES",
    metavar="AMOUNT",
    help="Refuse to start when the models would process more, e.g. 10GiB (BigQuery).",
)

store_failures = _building(
    "--store-failures/--no-store-failures",
    "store_failures",
    default=None,
    envvar=_env("STORE_FAILURES"),
    help="Keep the rows that fail tests as tables.",
)
output = click.option(
    "--output",
    type=click.Choice(["selector", "name", "path", "json", "mermaid", "dot"]),
    cls=Option,
    default="selector",
    help="How to print each node, or all as a diagram.",
)
output_keys = click.option("--output-keys", cls=Option, multiple=True, metavar="KEYS", help="Keys of the JSON output.")
