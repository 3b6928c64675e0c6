"""Materialized views that are brought up to date."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.adapters.bigquery.jobs import Refresh
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.errors import ExecuteError
from orchestrator.core.ports import Answer

STRANDED = re.compile(r"deleted and re-?created", re.IGNORECASE)
"""What BigQuery says of a materialized view over a table that was dropped and made anew."""


def refreshed(job: Refresh, statement: str, name: str, execute: Callable[[str], Answer]) -> Answer:
    """Refresh the view called ``name``; make it anew where it can no longer be. Errors have their place in the whole ``statement``."""
    try:
        return execute(f"call bq.refresh_materialized_view({GoogleWords().text(name)})")
    except ExecuteError as error:
        if not error.problems or not STRANDED.search(error.first.message):
            error.position = None
            raise
    try:
        return execute(job.create)
    except ExecuteError as error:
        error.position = None if error.position is None else statement.rindex(job.create) + error.position
        raise
