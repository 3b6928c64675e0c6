"""What jobs are told besides what to do: limits, priority, where names are looked for."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from orchestrator.adapters.bigquery.profile import BigQueryProfile


def limits(profile: BigQueryProfile) -> dict[str, Any]:
    """What every kind of job is told, by the names of Google's client."""
    found: dict[str, Any] = {}
    if profile.execution_timeout:
        found["job_timeout_ms"] = int(profile.execution_timeout * 1000)
    if profile.reservation:
        found["reservation"] = profile.reservation
    return found


def query_config(profile: BigQueryProfile, labels: dict[str, str]) -> bigquery.QueryJobConfig:
    """What a query is told; names without a dataset are those of the profile's, also where another project pays."""
    config = bigquery.QueryJobConfig(labels=labels, use_legacy_sql=False, **limits(profile))
    config.default_dataset = bigquery.DatasetReference(profile.project, profile.dataset)
    if profile.priority == "batch":
        config.priority = bigquery.QueryPriority.BATCH
    if profile.maximum_bytes_billed is not None:
        config.maximum_bytes_billed = profile.maximum_bytes_billed
    if profile.execution_project and profile.execution_project != profile.project:
        config.connection_properties = [bigquery.ConnectionProperty("dataset_project_id", profile.project)]
    return config
