"""The reports of a review: which are written when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.project import Secret, mask
from orchestrator.core.review import Review
from orchestrator.publish.problems.code_quality import code_quality
from orchestrator.publish.problems.github import SHOWN, github
from orchestrator.publish.problems.sarif import sarif
from orchestrator.publish.review.as_json import as_json
from orchestrator.publish.review.junit import junit
from orchestrator.publish.review.markdown import markdown
from orchestrator.publish.review.problems import problems
from orchestrator.publish.write import write

COMMENT = "review.md"
"""The file that ``orc ci comment`` posts unless it is told another."""

LARGEST_SUMMARY = 1024 * 1024
"""Bytes that GitHub takes of the summaries of one step."""


def reports(review: Review) -> dict[str, str]:
    """All reports of a review by file name."""
    found = problems(review)
    return {
        COMMENT: markdown(review),
        "review.json": as_json(review),
        "junit.xml": junit(review),
        "review.sarif": sarif(found, "orc ci", review.folder),
        "code-quality.json": code_quality(found, review.folder),
    }


def write_reports(review: Review, env: Mapping[str, str], folder: Path, secrets: Iterable[Secret] = ()) -> tuple[Path, ...]:
    """Write all reports of ``review`` below ``folder``; what says the same already is left alone. Returns the files' paths.

    On GitHub (``GITHUB_STEP_SUMMARY`` in ``env``) the Markdown is added to the step's summary, too.

    Raises:
        StoreError: S006, a file cannot be written.
    """
    hidden = tuple(secrets)
    texts = reports(review)
    write(texts, folder, hidden)
    if env.get("GITHUB_ACTIONS") == "true" and env.get("GITHUB_STEP_SUMMARY"):
        _summarise(Path(env["GITHUB_STEP_SUMMARY"]), mask(texts[COMMENT], hidden))
    return tuple(folder / name for name in texts)


def annotated(review: Review, env: Mapping[str, str], secrets: Iterable[Secret] = ()) -> str:
    """What is to be printed for GitHub to show at the lines of the diff, errors first; empty elsewhere."""
    if env.get("GITHUB_ACTIONS") != "true":
        return ""
    return mask(github(problems(review), review.folder, SHOWN), secrets)


def _summarise(path: Path, text: str) -> None:
    """Add to what other commands of the step have said, as long as GitHub takes it."""
    try:
        said = path.stat().st_size if path.exists() else 0
        if said + len(text.encode()) < LARGEST_SUMMARY:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{text}\n")
    except OSError as error:
        raise StoreError(Problem("S006", f"the summary `{path}` cannot be written ({error.strerror or error})")) from error
