"""What the environment of a CI server says about the pull request that it runs for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core.names import shortened

BASES = (
    "GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "BITBUCKET_PR_DESTINATION_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH", "BUILDKITE_PULL_REQUEST_BASE_BRANCH", "CHANGE_TARGET", "DRONE_TARGET_BRANCH",
)  # fmt: skip
"""Variables that name the branch (or commit) a pull request is to be merged into."""

NUMBERS = (
    ("GITHUB_REF", r"refs/pull/(\d+)/"),
    ("CI_MERGE_REQUEST_IID", r"(\d+)$"),
    ("BITBUCKET_PR_ID", r"(\d+)$"),
    ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", r"(\d+)$"),
    ("SYSTEM_PULLREQUEST_PULLREQUESTID", r"(\d+)$"),
    ("BUILDKITE_PULL_REQUEST", r"(\d+)$"),
    ("CHANGE_ID", r"(\d+)$"),
    ("DRONE_PULL_REQUEST", r"(\d+)$"),
    ("CIRCLE_PULL_REQUEST", r".*/(\d+)$"),
)
"""Variables that hold the number of a pull request, and where in them it is."""

BRANCHES = (
    "GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "BITBUCKET_BRANCH", "SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILDKITE_BRANCH",
    "CHANGE_BRANCH", "DRONE_SOURCE_BRANCH", "CIRCLE_BRANCH", "CI_COMMIT_REF_NAME", "GITHUB_REF_NAME",
)  # fmt: skip
"""Variables that name the branch itself; a server checks out a commit, and git does not know of which."""


@dataclass(frozen=True, slots=True)
class Told:
    """``bases`` are names of what to compare with, the surest first; ``said_by`` is the variable of the first. ``number`` and ``branch``
    are those of the pull request; empty when nobody says.
    """

    bases: tuple[str, ...] = ()
    said_by: str = ""
    number: str = ""
    branch: str = ""


def told(env: Mapping[str, str]) -> Told:
    """What the server says. On a developer's machine: nothing.

    >>> told({"GITHUB_BASE_REF": "main", "GITHUB_REF": "refs/pull/482/merge", "GITHUB_HEAD_REF": "faster"})
    Told(bases=('main',), said_by='GITHUB_BASE_REF', number='482', branch='faster')
    >>> told({"GITHUB_REF": "refs/heads/main"}).number
    ''
    """
    given = [(name, env[name]) for name in BASES if env.get(name)]
    numbers = (found[1] for name, pattern in NUMBERS if (found := re.match(pattern, env.get(name, ""))))
    branches = (env[name] for name in BRANCHES if env.get(name))
    return Told(tuple(value for _, value in given), given[0][0] if given else "", next(numbers, ""), next(branches, ""))


ALLOWING = "allow-breaking"
"""The label of a pull request whose breaking changes are meant."""


def labels(env: Mapping[str, str], event: str = "") -> frozenset[str]:
    """The labels of the pull request. ``event`` is the text of GitHub's event; other servers have a variable.

    >>> sorted(labels({"CI_MERGE_REQUEST_LABELS": "allow-breaking,bug"})), labels({}, '{"pull_request": {"labels": [{"name": "bug"}]}}')
    (['allow-breaking', 'bug'], frozenset({'bug'}))
    """
    listed = [word.strip() for word in env.get("CI_MERGE_REQUEST_LABELS", "").split(",")]
    try:
        said = json.loads(event) if event else {}
        listed += [str(label["name"]) for label in (said.get("pull_request") or {}).get("labels") or ()]
    except (ValueError, TypeError, LookupError, AttributeError):  # not what GitHub writes
        pass
    return frozenset(filter(None, listed))


LONGEST = 36
"""Characters of a branch's name that the name of its environment begins with; a schema's name has at most 63, and it is a part of that."""


def environment(asked: str | None, said: Told, branch: str) -> str:
    """The name that schemas of a pull request end in: what is asked for, else by its number, else by its branch.

    >>> environment(None, Told(number="482"), "main"), environment(None, Told(), "feature/Faster--Orders")
    ('pr_482', 'pr_feature_faster_orders')
    >>> environment("blue", Told(number="482"), "main"), environment(None, Told(), "")
    ('blue', 'pr_local')
    """
    if asked:
        return asked
    named = said.number or _plain(said.branch.removeprefix("refs/heads/") or branch)
    return f"pr_{named or 'local'}"


def _plain(name: str) -> str:
    """A name that is a part of an identifier on every engine; a long one keeps its beginning and gets a digest of the whole."""
    words = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
    return shortened(words, LONGEST).replace("__", "_")
