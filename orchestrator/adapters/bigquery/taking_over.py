"""Taking a lease over from a run that died: a job it had started may still be at work, and would write where we are about to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from orchestrator.adapters.bigquery.jobs import TakeOver, jobs_of
from orchestrator.adapters.bigquery.sending import Sender
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.errors import ExecuteError
from orchestrator.core.ports import Answer

_SAY = GoogleWords()
_UNFINISHED = ("pending", "running")


def take_over(job: TakeOver, execute: Callable[[str], Answer], sender: Sender) -> Answer:
    """Who has the lease: ``run, fence, since``. When that is we, nothing of the run it is taken from is at work any more."""
    answer = execute(job.select)
    for run, _, _, former in answer.rows:
        if former and _SAY.text(str(run)) == job.run:
            _end_jobs(str(former), sender)
    return replace(answer, rows=tuple(row[:3] for row in answer.rows), columns=answer.columns[:3])


def _end_jobs(run: str, sender: Sender) -> None:
    """End the jobs of ``run`` for the node that is worked on. They are known by their ids; who may not list jobs cannot know them."""
    prefix = jobs_of(run, sender.node)
    for state in _UNFINISHED:
        left: list[Any] = []
        with suppress(ExecuteError):
            left = sender.ask(partial(_listed, sender, state))
        for job in left:
            if job.job_id.startswith(prefix):
                sender.end(job)


def _listed(sender: Sender, state: str) -> list[Any]:
    return list(sender.client.list_jobs(sender.profile.paying, state_filter=state, retry=sender.retry))
