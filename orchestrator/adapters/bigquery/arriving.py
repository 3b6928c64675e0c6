"""Tables that are split by the moment at which rows arrive: made empty, then filled with rows that say when they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.adapters.bigquery.jobs import Arrive
from orchestrator.adapters.bigquery.layout import ARRIVAL
from orchestrator.adapters.bigquery.types import sql_type
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.errors import ExecuteError
from orchestrator.core.ports import Answer

_SAY = GoogleWords()


def arrive(job: Arrive, statement: str, dry: Callable[[str], Any], execute: Callable[[str], Answer]) -> Answer:
    """Create the table and fill it; answers what the INSERT did. Errors have their place in the job's whole ``statement``."""
    begin = statement.rindex(job.select)
    try:
        schema = dry(job.select).schema or ()
    except ExecuteError as error:
        error.position = None if error.position is None else begin + error.position
        raise
    columns = [(f["name"], sql_type(f)) for f in (g.to_api_repr() for g in schema) if f["name"].casefold() != job.field.casefold()]
    declared = ", ".join(f"{_SAY.quote(name)} {type_}" for name, type_ in columns)
    names = "".join(f", {_SAY.quote(name)}" for name, _ in columns)
    table = _SAY.relation(job.target)
    try:
        execute(f"create or replace table {table} ({declared}){job.clauses}")
    except ExecuteError as error:
        error.position = None
        raise
    head = f"insert into {table} ({ARRIVAL}{names})\nselect {job.arrival}{names}\nfrom (\n"
    try:
        return execute(f"{head}{job.select}\n)")
    except ExecuteError as error:
        inside = error.position is not None and len(head) <= error.position < len(head) + len(job.select)
        error.position = begin + error.position - len(head) if inside and error.position is not None else None
        raise
