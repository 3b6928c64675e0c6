"""The command that talks to the page of a pull request: ci comment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.reviewing import REPORTS, ci
from orchestrator.cli.sections import Option


@ci.command()
@click.option("--report", type=click.Path(dir_okay=False), metavar="FILE", cls=Option, help="What to post (default: target/ci/review.md).")
@click.option(
    "--forge", type=click.Choice(["github", "gitlab"]), cls=Option, envvar="ORC_FORGE", help="Where to (default: the environment tells)."
)
@click.option(
    "--pull-request", type=click.IntRange(1), metavar="NUMBER", cls=Option, help="Which pull request (default: the environment tells)."
)
@click.option("--dry-run", is_flag=True, cls=Option, help="Print the comment, talk to nobody.")
@o.project
@o.console
def comment(**given: Any) -> int:
    """Post the report of `orc ci` on the pull request.

    There is one comment: that of the run before is found by its first line and changed in place. The token comes from
    GITHUB_TOKEN, or GITLAB_TOKEN or CI_JOB_TOKEN.
    """
    from orchestrator.app.ci.comment import comment as commented
    from orchestrator.app.ci.forges import forge
    from orchestrator.cli.wire import SystemClock

    text = _report(given)
    if given["dry_run"]:
        click.echo(text, nl=False)
        return 0
    clock = SystemClock()
    done = commented(forge(os.environ, clock, given["forge"], given["pull_request"]), text, clock, time.sleep)
    if not given["quiet"]:
        where = f" {done.posted.url}" if done.posted.url.startswith("https://") else ""
        click.echo(f"Comment {done.what}{where}", err=True)
    return 0


def _report(given: dict[str, Any]) -> str:
    """The report's text. The project is not opened: a comment is wanted also when it cannot be."""
    from orchestrator.app.ci.reports import COMMENT
    from orchestrator.core.errors import Problem, UsageError
    from orchestrator.load.settings import find_root

    root = find_root(Path(given["project_dir"] or Path.cwd()))
    path = Path(given["report"]) if given["report"] else root / (given["target_path"] or "target") / REPORTS / COMMENT
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(
            Problem("U069", f"there is no report to post: `{path}` ({reason})", hint="`orc ci` writes it; --report names another file")
        ) from error
