"""A project's flows as another scheduler's files: pure text, the same for the same project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from orchestrator.core.portion import Flow
from orchestrator.publish.export.airflow import airflow
from orchestrator.publish.export.cron import cron
from orchestrator.publish.export.dagster import dagster
from orchestrator.publish.export.flyte import flyte
from orchestrator.publish.export.github import github
from orchestrator.publish.export.luigi import luigi
from orchestrator.publish.export.mage import mage
from orchestrator.publish.export.prefect import prefect

ENGINES: Mapping[str, Callable[[Flow], dict[str, str]]] = {
    "airflow": airflow,
    "cron": cron,
    "dagster": dagster,
    "flyte": flyte,
    "github": github,
    "luigi": luigi,
    "mage": mage,
    "prefect": prefect,
}


def export(engine: str, flows: Iterable[Flow]) -> dict[str, str]:
    """The files of some flows, by path."""
    return {name: text for flow in flows for name, text in ENGINES[engine](flow).items()}
