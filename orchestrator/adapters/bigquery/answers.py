"""What a job that is done answers: rows, rows changed, what it cost, and a line for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.core.sizes import shown_bytes

if TYPE_CHECKING:
    from google.cloud import bigquery

ADDS_UP = ("bytes_processed", "bytes_billed", "slot_ms")
"""Details that are worth summing."""

_WORDS = {"CREATE_TABLE_AS_SELECT": "CREATE TABLE", "MATERIALIZE": "CREATE TABLE"}
_POWERS = ("", "k", "m", "bn")
QUERIES = frozenset({"SELECT", "SCRIPT", "CALL", ""})
"""Kinds of statements that may answer with rows."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job read, what is paid for, and how long how many slots worked for it."""

    processed: int = 0
    billed: int = 0
    slot_ms: int = 0


def cost(job: bigquery.QueryJob, children: Iterable[bigquery.QueryJob] = ()) -> Cost:
    """What a query cost; of a script that does not say it itself, what its statements did."""
    found = Cost(job.total_bytes_processed or 0, job.total_bytes_billed or 0, int(job.slot_millis or 0))
    parts = list(children)
    if found.billed or not parts:
        return found
    return Cost(
        found.processed or sum(c.total_bytes_processed or 0 for c in parts),
        sum(c.total_bytes_billed or 0 for c in parts),
        found.slot_ms or sum(int(c.slot_millis or 0) for c in parts),
    )


def details(job: Any, spent: Cost, rows: int | None) -> dict[str, Any]:
    """The job and its cost, for ``adapter_response``."""
    found: dict[str, Any] = {} if rows is None else {"rows_affected": rows}
    return {
        **found,
        "bytes_processed": spent.processed,
        "bytes_billed": spent.billed,
        "slot_ms": spent.slot_ms,
        "job_id": job.job_id,
        "project_id": job.project,
        "location": job.location,
        "cache_hit": bool(getattr(job, "cache_hit", None) or False),
    }


def message(kind: str, spent: Cost, rows: int | None) -> str:
    """What was done, in a line: as the console and ``run_results.json`` have it.

    >>> message("CREATE_TABLE_AS_SELECT", Cost(10_800_000), 1000), message("CREATE_VIEW", Cost(), None)
    ('CREATE TABLE (1.0k rows, 10.3 MiB processed)', 'CREATE VIEW (0 processed)')
    """
    counted = "" if rows is None else f"{_many(rows)} {'row' if rows == 1 else 'rows'}, "
    read = shown_bytes(spent.processed) if spent.processed else "0"
    return f"{_WORDS.get(kind, kind.replace('_', ' '))} ({counted}{read} processed)"


def _many(count: int) -> str:
    value, power = float(count), 0
    while round(value, 1) >= 1000 and power < len(_POWERS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.1f}{_POWERS[power]}" if power else str(count)


def summed(total: Mapping[str, int], more: Mapping[str, Any]) -> dict[str, int]:
    """A sum of costs, and one more."""
    return {key: total.get(key, 0) + int(more.get(key) or 0) for key in ADDS_UP}
