"""BigQuery itself in the place of its stand-in: where the suite's sessions build, what they leave out, what they drop.

Nothing here sends anything before somebody asks for it by ``ORC_TEST_BQ_PROJECT``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.core.project import Target

PROJECT, LOCATION = "ORC_TEST_BQ_PROJECT", "ORC_TEST_BQ_LOCATION"
"""The variables that name a project, and where in the world its datasets are made."""

LEDGER = "_orc"
"""The dataset that every build shares: in a project where others build, the suite would read their ledger, and drop it."""

STAND_IN = frozenset({"bigquery_fake", "bigquery_server"})
"""Fixtures of the stand-in: who asks for one looks at its log or has it fail on order."""

MOST_BYTES = 10**9
"""Bytes that one query may be billed: what the suite reads is small, and a mistake stays so."""


@dataclass(frozen=True)
class Real:
    """A project of Google's. ``session`` begins the names of all datasets that this session of tests makes."""

    project: str
    location: str
    session: str

    def target(self) -> Target:
        """A target with nothing in it that leads elsewhere: no endpoint, and the credentials that Google's client finds by itself."""
        settings = {"type": "bigquery", "method": "oauth", "project": self.project, "location": self.location}
        return Target("shop", "dev", "bigquery", self.project, self.dataset("Shop"), 4, {**settings, "maximum_bytes_billed": MOST_BYTES})

    def dataset(self, name: str) -> str:
        """This session's own dataset of that name."""
        return f"{self.session}_{name}"

    def dropped(self, there: Iterable[str]) -> list[str]:
        """Of the datasets that are there, those to drop: this session's, and the ledger, which was not there when it began."""
        return [name for name in there if name.startswith(f"{self.session}_") or name == LEDGER]


def real(environ: Mapping[str, str], session: str) -> Real | None:
    """The project that the environment names, if it does."""
    project = environ.get(PROJECT, "").strip()
    return Real(project, environ.get(LOCATION, "").strip() or "EU", session) if project else None


def objection(there: Collection[str], worker: str) -> str | None:
    """Why the suite must not begin in a project with these datasets."""
    if worker != "main":
        return "one process at a time: all builds of a project share its ledger (pytest -n 0)"
    if LEDGER in there:
        return f"the project has a dataset `{LEDGER}`: somebody builds in it. Name one that is the suite's own, or drop what a killed session left"
    return None


def left_out(fixtures: Collection[str], engine: object, found: Real | None) -> str | None:
    """Why a test is not run against a real project."""
    if found is None:
        return None
    if STAND_IN & set(fixtures):
        return "looks into the stand-in, or has it fail on order"
    return None if engine == "bigquery" else "another engine"


def credentials_folder(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What to add to the environment so that commands of a test, which have a home of their own, find who is signed in."""
    return {} if "CLOUDSDK_CONFIG" in environ else {"CLOUDSDK_CONFIG": str(home / ".config" / "gcloud")}


def sweep(client: Any, dropped: Callable[[Iterable[str]], Iterable[str]]) -> None:
    """Drop datasets and what is in them."""
    for name in dropped([d.dataset_id for d in client.list_datasets(include_all=True)]):
        client.delete_dataset(name, delete_contents=True, not_found_ok=True)
