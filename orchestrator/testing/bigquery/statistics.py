"""What BigQuery tells about a finished query job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.sql.googlesql_tree import position
from orchestrator.testing.bigquery.catalog import reference
from orchestrator.testing.bigquery.desk import Outcome
from orchestrator.testing.bigquery.script import billed

if TYPE_CHECKING:
    from orchestrator.testing.bigquery.jobs import Job


def query(job: Job, outcomes: Sequence[Outcome], *, several: bool) -> None:
    """Add a query's statistics to a job."""
    processed, charged = sum(o.bytes for o in outcomes), sum(billed(o) for o in outcomes)
    own: dict[str, Any] = {
        "statementType": "SCRIPT" if several else outcomes[-1].kind,
        "totalBytesProcessed": str(processed),
        "totalBytesBilled": str(charged),
        "cacheHit": False,
        "billingTier": 1 if charged else 0,
    }
    if several:
        own.pop("cacheHit")
    else:
        own |= _statement(outcomes[-1])
    job.statistics |= {"totalBytesProcessed": str(processed), "query": own}


def _statement(outcome: Outcome) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if outcome.reads:
        own["referencedTables"] = [reference(key) for key in outcome.reads]
    if outcome.fields is not None:
        own["schema"] = {"fields": list(outcome.fields)}
    if outcome.affected is not None:
        own["numDmlAffectedRows"] = str(outcome.affected)
        counts = {"insertedRowCount": outcome.inserted, "updatedRowCount": outcome.updated, "deletedRowCount": outcome.deleted}
        own["dmlStats"] = {name: str(count) for name, count in counts.items() if count is not None}
    if outcome.ddl is not None:
        operation, _, target = outcome.ddl
        own["ddlOperationPerformed"] = operation
        if len(target) == 3:
            own["ddlTargetTable"] = reference(target)
        else:
            own["ddlTargetDataset"] = {"projectId": target[0], "datasetId": target[1]}
    return own


def frame(text: bytes, span: tuple[int, int], kind: str) -> dict[str, Any]:
    """Where in a script a child job's statement stands."""
    (line, column), (last, end) = position(text, span[0]), position(text, span[1])
    piece = text[span[0] : span[1]].decode()
    place = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": end, "text": piece}
    return {"evaluationKind": kind, "stackFrames": [place]}
