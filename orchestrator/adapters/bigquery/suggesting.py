"""Which relation may have been meant by a name that is not there."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.adapters.bigquery.sending import NETWORK
from orchestrator.core.errors import ExecuteError, did_you_mean

if TYPE_CHECKING:
    from google.cloud import bigquery

    from orchestrator.adapters.bigquery.profile import BigQueryProfile

_MISSING = re.compile(r"Table \"?([^\s\"]+)\"?")


def suggest(error: ExecuteError, client: bigquery.Client, profile: BigQueryProfile) -> None:
    """Give an error about a missing relation the name of one that is there and like it, if there is any."""
    if not error.problems or error.first.code != "X102" or error.first.hint:
        return
    missing = _MISSING.search(error.first.message)
    if missing is None or "ot found" not in error.first.message:
        return
    project, _, rest = missing[1].rpartition(":")
    dataset, _, name = rest.rpartition(".")
    with suppress(*NETWORK):
        names = [t.table_id for t in client.list_tables(f"{project or profile.project}.{dataset or profile.dataset}")]
        if hint := did_you_mean(name, names):
            error.problems = (replace(error.first, hint=hint), *error.problems[1:])
