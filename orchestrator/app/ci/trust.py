"""Whether the author of a pull request is trusted, as far as the environment of the CI server tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError


def stranger(env: Mapping[str, str]) -> str | None:
    """Why the code that is checked is a stranger's, in words; ``None``: nothing says that it is.

    A pull request from a fork is. So is every one in a job that GitHub starts for ``pull_request_target`` (or after another workflow):
    such a job has the repository's secrets whoever wrote the code.

    >>> stranger({"GITHUB_EVENT_NAME": "pull_request_target"})
    'the job runs for `pull_request_target`, with secrets, whoever wrote the code'
    >>> stranger({"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "3"})
    'the merge request comes from another project'
    """
    event = env.get("GITHUB_EVENT_NAME", "")
    if event in ("pull_request_target", "workflow_run"):
        return f"the job runs for `{event}`, with secrets, whoever wrote the code"
    if event.startswith("pull_request") and _fork(env.get("GITHUB_EVENT_PATH")):
        return "the pull request comes from a fork"
    source, target = (env.get(f"CI_MERGE_REQUEST_{name}PROJECT_ID", "") for name in ("SOURCE_", ""))
    return "the merge request comes from another project" if source and target and source != target else None


def trusted(env: Mapping[str, str], *, trust: bool) -> None:
    """Stop a trusted run of a stranger's code, unless somebody said ``--trust``.

    Raises:
        UsageError: U072.
    """
    why = None if trust else stranger(env)
    if why is not None:
        hint = "`orc ci --untrusted` checks it in a sandbox; `--trust`, after somebody has read it, runs it"
        raise UsageError(Problem("U072", f"{why}: it is not run without being told to", None, hint))


LARGEST = 50 << 20


def _fork(path: str | None) -> bool:
    """Whether the event says that the branch is in another repository.

    A payload that cannot be read says nothing good: it counts as one. A repository that is itself a fork may trust its own branches.
    """
    if not path:
        return False
    try:
        file = Path(path)
        if file.stat().st_size > LARGEST:
            return True
        pull = json.loads(file.read_bytes())["pull_request"]
        head, base = pull["head"]["repo"], pull["base"]["repo"]
        return head is None or str(head["full_name"]).casefold() != str(base["full_name"]).casefold()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return True
