"""Commands around a project: init, clone, clean, run-operation, completion."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.completing import SHELLS
from orchestrator.cli.main import orc
from orchestrator.core.errors import Problem, StoreError, UsageError

NEXT = (
    ("orc build", "load the seed, build and test the models"),
    ("orc show -s order_totals", "look at one"),
    ("orc ls -s +customer_segments", "what it is made of"),
    ("orc debug", "where it is built, and whether that works"),
)
"""The first commands in a new project; a test runs each."""

NEXT_OF = {
    "rides": (
        ("python inbox.py", "in another terminal: takes what is told"),
        ("orc build", "from trips to what drivers are paid"),
        ("BADROWS=1 orc build", "a cleaning step that lets bad rows through: earnings stay"),
        ("orc why mart_earnings", "why they were not built"),
        ("orc retry", "mended: go on where it stopped"),
    )
}
"""The same for each example; its README has more."""


@orc.command()
@click.argument("name", required=False)
@click.option(
    "--example", is_flag=False, flag_value="rides", metavar="[NAME]", help="A copy of an example instead: rides, a pipeline by night."
)
def init(name: str | None, example: str | None) -> int:
    """Write a small project that builds at once.

    NAME is the folder to make; `orc init .` writes into this one. Nothing that is there already is overwritten.
    """
    from orchestrator.app.examples import example as files_of
    from orchestrator.app.scaffold import KEPT, scaffold
    from orchestrator.publish.write import write

    name = example if name is None else name
    if name is None:
        raise click.MissingParameter(ctx=click.get_current_context(), param_type="argument", param_hint="'NAME'")
    folder = _folder(name)
    files = scaffold(folder.name) if example is None else files_of(example)
    present = [f for f in files if (folder / f).exists()]
    kept = [f for f in present if f in KEPT]
    if present != kept:
        taken = next(f for f in present if f not in KEPT)
        hint = "add a table `[tool.orchestrator]` to it instead" if taken == "pyproject.toml" else "choose another name"
        raise UsageError(Problem("U008", f"`{Path(name) / taken}` exists already: nothing was written", None, hint))
    try:
        write({f: text for f, text in files.items() if f not in kept}, folder)
    except StoreError as error:
        raise StoreError(*(replace(p, hint="is the disk full, or the folder read-only?") for p in error.problems)) from error
    click.echo(_welcome(name, len(files) - len(kept), kept, NEXT if example is None else NEXT_OF.get(example, NEXT[:1])))
    return 0


def _folder(name: str) -> Path:
    """The folder to write into, absolute.

    Raises:
        UsageError: U008, the name cannot be a folder's, or something is in the way.
    """
    hint = "a name like `shop`, a path like `work/shop`, or `.` for this folder"
    if not name.strip() or not name.isprintable() or name != name.strip():
        raise UsageError(Problem("U008", f"{name!r} cannot name a project", None, hint))
    folder = Path(name).absolute().resolve()
    if Path(name).name == "..":
        raise UsageError(Problem("U008", f"`{name}` is the folder above", None, f"say its name: `orc init {quote(str(folder))}`"))
    if not re.search(r"[^\W_]", folder.name):
        raise UsageError(Problem("U008", f"`{name}` cannot name a project: it has no letter and no digit", None, hint))
    for above in (folder, *folder.parents):
        if above.exists() and not above.is_dir():
            raise UsageError(Problem("U008", f"`{above}` is a file, so `{name}` cannot be made", None, "choose another name"))
        if above.is_dir():
            if not os.access(above, os.W_OK | os.X_OK):
                raise UsageError(Problem("U008", f"no permission to write in `{above}`", None, "choose another folder"))
            break
    return folder


def _welcome(name: str, count: int, kept: list[str], steps: Iterable[tuple[str, str]]) -> str:
    """What was written, and what to type next."""
    enter = [] if Path(name) == Path() else [f"  cd {quote(name)}"]
    lines = [f"Wrote {count} files to {name if name.endswith('/') else name + '/'}"]
    lines += [f"Left as they were: {', '.join(kept)}"] if kept else []
    if ".gitignore" in kept:
        lines.append("Add to .gitignore: /target/ /.orchestrator/* !/.orchestrator/schema/ /*.duckdb")
    return "\n".join([*lines, "", "Next:", *enter, *(f"  {command:<34}{what}".rstrip() for command, what in steps)])


@orc.command()
@click.argument("model")
@click.argument("new")
@o.project
@o.console
def clone(**given: Any) -> int:
    """Copy a model under a new name, with its properties.

    The file is copied beside itself, SQL or Python. What YAML says of MODEL goes into NEW.yml; when that file is there already, what to add
    to it is printed. Nothing is overwritten, and readers of MODEL stay its readers.
    """
    from orchestrator.app.cloning import clone as cloned
    from orchestrator.cli.opening import opened

    done = cloned(opened(given, "clone"), given["model"], given["new"])
    for path in done.written:
        click.echo(f"Wrote {path}", err=True)
    if done.entry:
        click.echo(f"Left as it was: {done.beside}. Add to it:", err=True)
        click.echo(done.entry, nl=False)
    return 0


@orc.command()
@click.option("--stages", is_flag=True, help="Drop the staged relations that failed tests left, instead of folders.")
@click.option("--environment", metavar="NAME", help="Drop what the ledger says was built in this environment, instead.")
@click.option("--older-than", metavar="TIME", help="… or in every environment where nothing happened for 7d, 12h, 30m.")
@click.option("--dry-run", is_flag=True, help="Only list what would be dropped.")
@o.project
@o.console
def clean(**given: Any) -> int:
    """Delete what was generated: the clean-targets, or an environment."""
    from orchestrator.app import cleaning
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    if given["environment"] or given["older_than"]:
        code = _clean_environments(given)
        if not given["stages"]:
            return code
    invocation = wire.invocation(given, "clean")
    lines = (cleaning.clean_stages if given["stages"] else cleaning.clean)(invocation, dry_run=given["dry_run"])
    if given["stages"] or wire.kept(invocation.root):  # folders alone are no reason to begin a state
        return _noted(lines, invocation.root, "stages.dropped" if given["stages"] else "folders.deleted", "")
    for line in lines:
        click.echo(line, err=True)
    return 0


def _noted(lines: Iterable[str], root: Path, action: str, object_: str) -> int:
    """Say what goes, line by line; the audit hears of all that went, also when something goes wrong on the way."""
    from orchestrator.cli import wire

    gone: list[str] = []
    try:
        for line in lines:
            click.echo(line, err=True)
            gone += [line] if line.startswith(("Dropped", "Deleted")) else []
    finally:
        if gone:
            wire.note(root, action, object_, {"done": gone})
    return 0


def _clean_environments(given: dict[str, Any]) -> int:
    from datetime import timedelta

    from orchestrator.app.environments.janitor import clean_environments
    from orchestrator.cli import wire
    from orchestrator.core.duration import duration

    try:
        older = timedelta(seconds=duration(given["older_than"])) if given["older_than"] else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    invocation = wire.invocation(given, "clean")
    lines = clean_environments(invocation, given["environment"], older, dry_run=given["dry_run"])
    return _noted(lines, invocation.root, "environment.dropped", given["environment"] or f"older than {given['older_than']}")


@orc.command("run-operation")
@click.argument("macro")
@click.option("--args", "arguments", default="{}", metavar="YAML", help="The macro's arguments: '{x: 1}'.")
@o.running
@o.project
@o.console
def run_operation(**given: Any) -> int:
    """Call a macro with a live connection, then commit."""
    from orchestrator.app.operating import operate
    from orchestrator.app.permitting import permitted
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened

    workspace = opened(given, "run-operation")
    permitted(workspace)  # what is refused was not called
    wire.note(workspace.invocation.root, "operation.called", given["macro"], {"target": workspace.project.target.name})
    operate(
        workspace,
        given["macro"],
        wire.variables(given["arguments"], "--args"),
        lambda level, text: click.echo(text, err=True) if level != "debug" or given["debug"] else None,
    )
    return 0


@orc.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def completion(shell: str) -> int:
    r"""Print what makes bash, zsh or fish complete commands and nodes.

    \b
    bash:  echo 'eval "$(orc completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(orc completion zsh)"' >> ~/.zshrc
    fish:  orc completion fish > ~/.config/fish/completions/orc.fish
    """
    from orchestrator.cli.completing import script

    click.echo(script(shell, orc))
    return 0
