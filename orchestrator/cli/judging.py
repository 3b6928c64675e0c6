"""``orc ci --untrusted``: nothing of the work tree is read or written through, for a stranger wrote it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.core.errors import OrcError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.core.project import Secret
    from orchestrator.core.review import Review

NOTHING_RAN = 2
"""The exit code when there was nothing to judge."""


def judged(given: Mapping[str, Any], command: str) -> int:
    """Judge what is checked out, against where it began; the exit code.

    Errors are told here: the usual way writes a file beside the project, and shows lines of its files.
    """
    from orchestrator.cli.wire import environment
    from orchestrator.core.project import SECRET_PREFIXES, Secret, mask
    from orchestrator.report.problems import problems

    env = environment(given)
    hidden = [Secret(value) for name, value in env.items() if name.startswith(SECRET_PREFIXES) and value]
    try:
        review = _judged(given, env)
        _reported(replace(review, command=f"{command} --untrusted"), given, env, hidden)
    except OrcError as error:
        click.echo(mask(problems(error.problems), hidden), err=True)
        return NOTHING_RAN
    return 0 if review.passes else 1


def _judged(given: Mapping[str, Any], env: Mapping[str, str]) -> Review:
    from orchestrator.app.ci.revisions import checked_out, judge_revisions
    from orchestrator.app.ci.told import environment, told
    from orchestrator.app.ci.untrusted import Options
    from orchestrator.cli.wire import variables

    root = Path(given["project_dir"] or Path.cwd()).absolute()  # nothing is searched for: that would read files
    server = told(env)
    names = (given["base"].removeprefix("git:"),) if given["base"] else server.bases
    base, head, folder = checked_out(root, names, env, "`--base`" if given["base"] else f"`{server.said_by}`" if server.said_by else "")
    options = Options(
        profiles_dir=Path(given["profiles_dir"]) if given["profiles_dir"] else None,
        profile=given["profile"],
        target=given["target"],
        engine=given["engine"],
        vars=variables(given["variables"]),
        allowed=tuple(given["allowed"]),
        allow_breaking=given["allow_breaking"],
    )
    review = judge_revisions(root, base, head, options, env)
    return replace(review, environment=environment(given["environment"], server, ""), folder=folder)


def _reported(review: Review, given: Mapping[str, Any], env: Mapping[str, str], hidden: list[Secret]) -> None:
    from orchestrator.app.ci.reports import annotated, reports, write_reports
    from orchestrator.core.project import mask
    from orchestrator.report.verdict import verdict

    folder = _folder(given)
    write_reports(review, env, folder, hidden)
    if lines := annotated(review, env, hidden):
        click.echo(lines, err=True)
    shown = {"json": "review.json", "markdown": "review.md"}.get(given["form"])
    if shown is not None:
        click.echo(mask(reports(review)[shown], hidden), nl=False)
    else:
        click.echo(mask(verdict(review, str(folder)), hidden), err=True)
    sys.stdout.flush()


def _folder(given: Mapping[str, Any]) -> Path:
    """Where reports go. In the work tree a stranger may have put a link in the way.

    Raises:
        UsageError: U074.
    """
    if given["report_dir"]:
        return Path(given["report_dir"])
    root = Path(given["project_dir"] or Path.cwd())
    folder = root / (given["target_path"] or "target") / "ci"
    inside = Path(os.path.realpath(root)) / (given["target_path"] or "target") / "ci"
    links = folder.is_dir() and any(file.is_symlink() for file in folder.iterdir())
    if links or Path(os.path.realpath(folder)) != inside:
        hint = "`--report-dir` names a folder that is not the pull request's"
        raise UsageError(Problem("U074", "the pull request has a link where the reports go", None, hint))
    return folder
