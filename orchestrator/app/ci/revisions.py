"""Judge two commits of a repository: nothing of the work tree is read, and nothing in the repository is obeyed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.app.ci.untrusted import Options, judge
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.review import Review
from orchestrator.load.ancestry import began
from orchestrator.load.blobs import Most, blobs, obeying_nobody


def judge_revisions(root: Path, base: str, head: str, options: Options, env: Mapping[str, str]) -> Review:
    """What the commit ``head`` changes of ``base``, in the project at ``root``; a stranger wrote ``head``.

    Raises:
        UsageError: U038, U039 git, or there is no such commit; U070 it is too much to look at.
        ProfileError: the operator's profiles.yml cannot be read.
    """
    most = Most(options.bounds.files, options.bounds.file, options.bounds.total)
    with tempfile.TemporaryDirectory(prefix="orc-trees-") as folder:
        then, base_short, _ = blobs(root, base, Path(folder, "base"), env, most)
        now, head_short, left_out = blobs(root, head, Path(folder, "head"), env, most)
        found = judge(now, then, options, env)
    return replace(found, base=base_short, head=head_short, findings=(*found.findings, *left_out))


def checked_out(root: Path, names: Sequence[str], env: Mapping[str, str], said_by: str = "") -> tuple[str, str, str]:
    """The commit where what is checked out began, that which is checked out, and the folder of ``root`` in the repository.

    ``names`` are what it is to be merged into, the surest first; ``said_by`` is who says so.

    Raises:
        UsageError: U038 there is no repository, U060 and U061 there is nothing to compare with.
    """
    git = obeying_nobody(root, env)
    folder = git.asks("rev-parse", "--show-prefix")
    head = git.asks("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if folder is None or head is None:
        raise UsageError(Problem("U038", "this is no git repository with a commit", None, "`--untrusted` judges what is committed"))
    return began(git, names, said_by)[1], head, folder.rstrip("/")
