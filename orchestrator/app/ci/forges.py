"""Which pull request of which forge this is about, from the environment of its CI."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.ports import Clock, Forge
from orchestrator.core.project import Secret

GITHUB_TOKENS = ("ORC_SECRET_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
GITLAB_TOKENS = ("ORC_SECRET_GITLAB_TOKEN", "GITLAB_TOKEN")
JOB_TOKEN = "CI_JOB_TOKEN"  # noqa: S105 - the name of a variable

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def forge(env: Mapping[str, str], clock: Clock, named: str | None = None, number: int | None = None) -> Forge:
    """The forge of a job, or the one ``named``; ``number`` of the pull request where the environment does not tell it.

    Raises:
        UsageError: U065 there is no telling which pull request, U066 there is no token.
    """
    kind = named or ("github" if env.get("GITHUB_ACTIONS") == "true" else "gitlab" if env.get("GITLAB_CI") else None)
    if kind == "github":
        return _github(env, clock, number)
    if kind == "gitlab":
        return _gitlab(env, clock, number)
    raise UsageError(Problem("U065", "this is neither a job of GitHub nor of GitLab", hint="--forge github|gitlab, or --dry-run to print"))


def _github(env: Mapping[str, str], clock: Clock, number: int | None) -> Forge:
    from orchestrator.adapters.forge.github import GitHub

    repository = env.get("GITHUB_REPOSITORY", "")
    if not REPOSITORY.fullmatch(repository) or ".." in repository:
        raise UsageError(Problem("U065", "GITHUB_REPOSITORY does not name a repository", hint="GITHUB_REPOSITORY=owner/name"))
    asked = number or _event(env) or _number(re.match(r"refs/pull/(\d+)/", env.get("GITHUB_REF", "")))
    token = _token(env, GITHUB_TOKENS, "GitHub", "GITHUB_TOKEN: ${{ github.token }} in the step's `env`")
    return GitHub(env.get("GITHUB_API_URL") or "https://api.github.com", repository, _asked(asked), token, clock)


def _gitlab(env: Mapping[str, str], clock: Clock, number: int | None) -> Forge:
    from orchestrator.adapters.forge.gitlab import GitLab

    # A pipeline of a fork runs in the fork; the merge request belongs to the project it is made to.
    project = env.get("CI_MERGE_REQUEST_PROJECT_ID") or env.get("CI_PROJECT_ID") or ""
    if not project:
        raise UsageError(Problem("U065", "CI_PROJECT_ID does not name a project", hint="CI_PROJECT_ID=group/name, or its number"))
    asked = number or _number(re.fullmatch(r"(\d+)", env.get("CI_MERGE_REQUEST_IID", "")))
    own = not any(env.get(name) for name in GITLAB_TOKENS) and bool(env.get(JOB_TOKEN))
    token = _token(env, (*GITLAB_TOKENS, JOB_TOKEN), "GitLab", "GITLAB_TOKEN, a masked variable with a project access token")
    return GitLab(env.get("CI_API_V4_URL") or "https://gitlab.com/api/v4", project, _asked(asked), token, clock, job=own)


def _asked(number: int | None) -> int:
    if not number:
        raise UsageError(Problem("U065", "this job is not about a pull request", hint="run it for those, or say --pull-request NUMBER"))
    return number


def _number(found: re.Match[str] | None) -> int | None:
    return int(found[1]) if found is not None else None


def _event(env: Mapping[str, str]) -> int | None:
    """The pull request that GitHub's event is about."""
    try:
        event: Any = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return None
    if not isinstance(event, dict):
        return None
    issue = event.get("issue")
    workflow_run = event.get("workflow_run")
    later = workflow_run.get("pull_requests") if isinstance(workflow_run, dict) else None
    found = (
        event.get("pull_request")
        or (issue if isinstance(issue, dict) and issue.get("pull_request") else None)
        or (later[0] if later else None)
    )
    number = found.get("number") if isinstance(found, dict) else None
    return number if isinstance(number, int) else None


def _token(env: Mapping[str, str], names: tuple[str, ...], forge_: str, hint: str) -> Secret:
    found = next((env[name].strip() for name in names if env.get(name, "").strip()), None)
    if found is None:
        raise UsageError(Problem("U066", f"there is no token for {forge_}: none of {', '.join(names)} is set", hint=hint))
    if not re.fullmatch(r"[\x21-\x7e]+", found):
        raise UsageError(Problem("U066", f"the token for {forge_} has characters that no token has"))
    return Secret(found)
