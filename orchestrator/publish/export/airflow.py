"""A DAG for Airflow 3: an operator for each task, which runs ``orc task`` and says what its exit code means."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from orchestrator.core.portion import Flow
from orchestrator.publish.export.python import identity, parts
from orchestrator.publish.export.words import filled, names, quoted

TEMPLATE = '''"""@TITLE@, for Airflow. Written by `orc export airflow`: change the project, and write it again.

A task runs `orc task` in a process of its own: its nodes with their gates, in the order of the project. Airflow tries again what may
pass (exit code @AGAIN@); everything else that fails fails at once, and what needs it does not run. Nothing is read here but this file.

ORC_PROJECT_DIR says where the project is on a worker, ORC_COMMAND how to call orc there (default: orc).
"""

import os
import shlex
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

try:
    from airflow.sdk import DAG, Asset, BaseOperator
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    from airflow.models import BaseOperator

ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
WORDS = @WORDS@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}

TABLES = {
    # task: the tables it publishes
@TABLES@}
@RUNNING@

class Orc(BaseOperator):
    """A task of the project."""

    ui_color = "#e8f0fe"

    def __init__(self, *, portion: str, **more) -> None:
        super().__init__(**more)
        self.portion = portion

    def execute(self, context):
        run = f"airflow:{context['dag'].dag_id}/{context['run_id']}"
        code = orc(self.portion, run, say=lambda line: self.log.info("%s", line))
        if code == @SKIPPED@:
            raise AirflowSkipException("nothing was done, and nothing is wrong")
        if code == @AGAIN@:
            raise AirflowException("failed of what may pass: trying again may help")
        if code:
            raise AirflowFailException(f"failed (exit code {code}): trying again would not help")

    def on_kill(self):
        for child in list(CHILDREN):
            end(child)


with DAG(
    dag_id=@FLOW@,
    description=@DESCRIPTION@,
    schedule=@SCHEDULE@,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=@RUNS@,
    max_active_tasks=@WIDTH@,
    dagrun_timeout=@LIMIT@,
    default_args={"owner": @OWNER@},
    tags=@TAGS@,
) as dag:
    OPERATORS = {
        name: Orc(
            task_id=name,
            portion=name,
            doc_md=f"`orc task {key}`" if "`" not in key else None,
            outlets=[Asset(uri) for uri in TABLES.get(name, [])],
            retries=retries,
            retry_delay=timedelta(seconds=delay),
            retry_exponential_backoff=grows,
            max_retry_delay=timedelta(seconds=most) if most else None,
        )
        for name, (key, _, _, retries, delay, grows, most) in TASKS.items()
    }
    for name, (_, needs, *_) in TASKS.items():
        for need in needs:
            OPERATORS[need] >> OPERATORS[name]
'''

TIMETABLE = """
try:
    from airflow.sdk import @CLASS@
except ImportError:
    from airflow.timetables.trigger import @CLASS@
"""


def airflow(flow: Flow) -> dict[str, str]:
    """The DAG's file."""
    crons = flow.timing.crons
    given = parts(flow, "airflow")
    match len(crons):
        case 0:
            schedule = "None"
        case 1:
            schedule = f"CronTriggerTimetable({quoted(crons[0])}, timezone={quoted(flow.timing.zone)})"
        case _:
            schedule = f"MultipleCronTriggerTimetable({', '.join(quoted(c) for c in crons)}, timezone={quoted(flow.timing.zone)})"
    found = filled(
        TEMPLATE,
        {
            **given,
            "SCHEDULE": schedule,
            "RUNS": "1" if flow.timing.one else "16",
            "LIMIT": "None" if flow.timing.timeout is None else f"timedelta(seconds={flow.timing.timeout})",
            "TABLES": "".join(_tables(flow)),
        },
    )
    if crons:
        timetable = filled(TIMETABLE, {"CLASS": "CronTriggerTimetable" if len(crons) == 1 else "MultipleCronTriggerTimetable"})
        found = found.replace("\nORC = ", f"{timetable.rstrip()}\n\nORC = ", 1)
    return {f"{identity(flow)}.py": found}


def _tables(flow: Flow) -> Iterator[str]:
    """What each task publishes, as addresses of assets: the same in every environment."""
    called = names(p.key for p in flow.portions)
    for portion in flow.portions:
        if portion.tables:
            places = (
                "/".join(quote(part, safe="", errors="backslashreplace") for part in (flow.project, relation.schema, relation.name) if part)
                for _, relation in portion.tables
            )
            yield f"    {quoted(called[portion.key])}: [{', '.join(quoted(f'orc://{place}') for place in places)}],\n"
