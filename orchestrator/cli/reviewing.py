"""Commands about pull requests: ci."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Group
from orchestrator.core.errors import OrcError, UsageError

if TYPE_CHECKING:
    from orchestrator.app.ci.asked import Asked
    from orchestrator.app.opening import Workspace
    from orchestrator.core.review import Review

REPORTS = "ci"
"""Below the target folder: where reports go unless somebody says where."""


@orc.group(cls=Group, invoke_without_command=True)
@click.option("--base", metavar="REVISION", help="What to compare with (default: what the CI server says, else the main branch).")
@click.option("--against", metavar="TARGET", help="The target that production is in (default: the one that says so, or `prod`).")
@click.option("--widen", is_flag=True, help="Build all descendants of what changed, not only those that read the change.")
@click.option("--no-diff", "diff", is_flag=True, default=True, flag_value=False, help="Do not compare data with production.")
@click.option("--rows", type=click.IntRange(0, 100), default=0, metavar="NUMBER", help="Show so many rows that differ (default: none).")
@click.option("--fail-on", multiple=True, metavar="WHAT", help="Block for these, too: data-diff, warnings, lint-warnings.")
@click.option("--allow-breaking", is_flag=True, help="Report breaking changes, but do not block for them.")
@click.option("--untrusted", is_flag=True, help="The code is a stranger's: only read it, in a sandbox; build nothing, connect nowhere.")
@click.option("--trust", is_flag=True, help="Run the code of a fork: somebody has read it.")
@click.option("--allow-env", "allowed", multiple=True, metavar="NAME", help="With --untrusted: a variable that templates may see.")
@click.option("--engine", metavar="NAME", help="With --untrusted, where there is no profile: the engine whose SQL this is.")
@click.option("--report-dir", type=o.FOLDER, metavar="FOLDER", help="Where reports go (default: target/ci).")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="What to print at the end.")
@o.state
@o.sample
@o.empty
@o.environment
@o.running
@o.project
@o.console
def ci(**given: Any) -> int:
    r"""Review a pull request: what it changes, breaks and costs.

    \b
    orc ci                       in CI: everything is told by the server
    orc ci --base main           on your machine, before you push
    orc ci --against prod        where production is another target
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return 0
    from orchestrator.app.ci.ci import ci as review
    from orchestrator.app.ci.trust import trusted
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened

    if given["untrusted"]:
        from orchestrator.cli.judging import judged

        return judged(given, _command(given))
    trusted(wire.environment(given), trust=given["trust"])
    try:
        workspace = opened(given, "ci")
    except UsageError:
        raise
    except OrcError as error:
        _unread(error, given, context.obj)
        raise
    found = review(workspace, _asked(given), lambda w: wire.sinks(w, given), context.obj.get("interruptible", nullcontext))
    if found.run is not None and found.run.cancelled:
        return found.run.exit_code
    _report(workspace, found.review, given)
    return 0 if found.review.passes else 1


def _unread(error: OrcError, given: dict[str, Any], known: dict[str, Any]) -> None:
    """Write reports that say why the project cannot be read."""
    from orchestrator.app.ci.reports import annotated, write_reports
    from orchestrator.app.ci.unread import unread
    from orchestrator.cli.wire import environment
    from orchestrator.core.project import SECRET_PREFIXES, Secret

    env = environment(given)
    hidden = [*known.get("secrets", ()), *(Secret(v) for k, v in env.items() if k.startswith(SECRET_PREFIXES) and v)]
    root = Path(known["root"])
    review = unread(root, env, error)
    folder = Path(given["report_dir"]) if given["report_dir"] else root / (given["target_path"] or "target") / REPORTS
    write_reports(review, env, folder, hidden)
    if lines := annotated(review, env, hidden):
        click.echo(lines, err=True)


def _asked(given: dict[str, Any]) -> Asked:
    from orchestrator.app.ci.asked import Asked
    from orchestrator.app.ci.ci import checked
    from orchestrator.cli import wire

    return Asked(
        wire.request(given, "build"),
        base=given["base"] or "",
        against=given["against"] or "",
        environment=given["environment"] or "",
        widen=given["widen"],
        diff=given["diff"],
        rows=given["rows"],
        fail_on=checked(given["fail_on"]),
        allow_breaking=given["allow_breaking"],
        command=_command(given),
    )


AGAIN = ("base", "target", "against", "state", "environment", "variables")
"""Options that decide what is compared: how to do the same again names those."""


def _command(given: dict[str, Any]) -> str:
    words = [f"--{'vars' if name == 'variables' else name} {shlex.quote(str(given[name]))}" for name in AGAIN if given.get(name)]
    return " ".join(["orc ci", *words, *(["--widen"] if given["widen"] else [])])


def _report(workspace: Workspace, review: Review, given: dict[str, Any]) -> None:
    """Write the reports, say the verdict, print what was asked for."""
    from orchestrator.app import secrets
    from orchestrator.app.artifacts import target_folder
    from orchestrator.app.ci.reports import COMMENT, annotated, write_reports
    from orchestrator.cli.wire import environment

    folder = Path(given["report_dir"]) if given["report_dir"] else target_folder(workspace) / REPORTS
    env = environment(given)
    write_reports(review, env, folder, secrets(workspace))
    if lines := annotated(review, env, secrets(workspace)):
        click.echo(lines, err=True)  # GitHub reads both streams, and the other one is for what was asked for
    match given["form"]:
        case "json":
            click.echo((folder / "review.json").read_text(encoding="utf-8"), nl=False)
        case "markdown":
            click.echo((folder / COMMENT).read_text(encoding="utf-8"), nl=False)
        case _:
            from orchestrator.report.verdict import verdict

            click.echo(verdict(review, str(folder)), err=True)
    sys.stdout.flush()
