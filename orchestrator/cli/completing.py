"""Completion in the shell: what click knows about commands, and the project's own names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.words import WORDY

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_ORC_COMPLETE"
"""Set by the shell's function when it asks for words."""

OPERATORS = "+@0123456789"
"""What may stand before a name in a selection."""


def script(shell: str, command: click.Command) -> str:
    """What a shell must read to complete ``orc``."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise AssertionError(shell)
    return made(command, {}, "orc", VARIABLE).source()


def wordily() -> None:
    """Teach click's completions that ``--select`` takes any number of words. Called only when a shell asks for words."""
    from click.shell_completion import ShellComplete, add_completion_class, get_completion_class

    for shell in SHELLS:
        known = get_completion_class(shell)
        if known is not None:
            add_completion_class(type(known.__name__, (known,), {"get_completions": _wordy(ShellComplete.get_completions)}), shell)


def _wordy(ask: Callable[[Any, list[str], str], list[Any]]) -> Callable[[Any, list[str], str], list[Any]]:
    def get_completions(self: Any, args: list[str], incomplete: str) -> list[Any]:
        return ask(self, behind_flag(args), incomplete)

    return get_completions


def behind_flag(args: list[str]) -> list[str]:
    """The words so far, without those a wordy flag has taken already, so that the next one is also the flag's.

    >>> behind_flag(["run", "-s", "a", "b"]), behind_flag(["run", "-s", "a", "--threads", "4"])
    (['run', '-s'], ['run', '-s', 'a', '--threads', '4'])
    """
    for position in range(len(args) - 1, -1, -1):
        if args[position].startswith("-"):
            return args[: position + 1] if args[position] in WORDY else args
    return args


def node_words(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names for ``--select`` that continue what is typed; operators before the name stay."""
    before = incomplete[: len(incomplete) - len(incomplete.lstrip(OPERATORS))]
    return [before + name for name in sorted(set(_names(ctx))) if name.startswith(incomplete[len(before) :])]


def column_words(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of tables for a question about columns; behind a dot, the documented columns of that table."""
    table, dot, begun = incomplete.rpartition(".")
    names = {n.removeprefix("source:") for n in _names(ctx)}
    if dot and table in names:
        return [f"{table}.{c}" for c in _documented(ctx, table) if c.startswith(begun)]
    return sorted(n for n in names if n.startswith(incomplete))


def _documented(ctx: click.Context, table: str) -> list[str]:
    return sorted(c for node in _nodes(ctx) for c in node["columns"] if _name(node).removeprefix("source:") == table)


def _names(ctx: click.Context) -> Iterator[str]:
    yield from (_name(n) for n in _nodes(ctx) if n["resource_type"] in ("model", "seed", "snapshot", "source"))


def _name(node: dict[str, Any]) -> str:
    return f"source:{node['source_name']}.{node['name']}" if node["resource_type"] == "source" else str(node["name"])


def _nodes(ctx: click.Context) -> list[dict[str, Any]]:
    """Nodes of the last manifest; completion must be quick and quiet, so nothing is parsed for it and nothing complains."""
    import json

    from orchestrator.core.errors import OrcError
    from orchestrator.load.settings import find_root

    given = ctx.params
    try:
        root = find_root(Path(given.get("project_dir") or "."))
        manifest = json.loads((root / str(given.get("target_path") or "target") / "manifest.json").read_bytes())
        return [*manifest["nodes"].values(), *manifest["sources"].values()]
    except (OSError, ValueError, KeyError, OrcError):
        return []
