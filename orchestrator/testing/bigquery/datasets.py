"""Datasets, as REST and SQL create and change them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from orchestrator.testing.bigquery.catalog import Catalog, now
from orchestrator.testing.bigquery.errors import Refusal, taken

WRITABLE = (
    "description",
    "friendlyName",
    "labels",
    "location",
    "access",
    "defaultTableExpirationMs",
    "defaultPartitionExpirationMs",
    "defaultEncryptionConfiguration",
    "maxTimeTravelHours",
    "storageBillingModel",
    "isCaseInsensitive",
)
"""What a client can say about a dataset."""

MOST = 1024
LEGAL = set("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def create(catalog: Catalog, project: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A new dataset. Raises *duplicate*, and *invalid* for a name that BigQuery does not take."""
    name = body["datasetReference"]["datasetId"]
    if not name or len(name) > MOST or not set(name) <= LEGAL:
        words = (
            f'Invalid dataset ID "{name}". Dataset IDs must be alphanumeric (plus underscores) and must be at most {MOST} characters long.'
        )
        raise Refusal("invalid", words)
    if (project, name) in catalog.datasets:
        raise taken("Dataset", f"{project}:{name}")
    made = {key: body[key] for key in WRITABLE if body.get(key) is not None}
    catalog.datasets[(project, name)] = {
        "kind": "bigquery#dataset",
        "id": f"{project}:{name}",
        "datasetReference": {"projectId": project, "datasetId": name},
        "access": [{"role": "OWNER", "specialGroup": "projectOwners"}],
        "location": "US",
        **made,
        **stamp(now()),
    }
    return catalog.datasets[(project, name)]


def change(catalog: Catalog, project: str, name: str, body: Mapping[str, Any], etag: str | None = None) -> dict[str, Any]:
    """Replace some of what is said about a dataset; ``None`` takes it away."""
    found = catalog.dataset(project, name)
    if etag is not None and etag not in {"*", found["etag"]}:
        raise Refusal("conditionNotMet", "Precondition check failed.")
    if body.get("location", found["location"]).lower() != found["location"].lower():
        raise Refusal("invalid", "Cannot change the location of a dataset")
    changed = {**found, **{key: body[key] for key in WRITABLE if key in body}, **stamp(int(found["creationTime"]))}
    if isinstance(body.get("labels"), dict):
        changed["labels"] = {**found.get("labels", {}), **body["labels"]}
        changed["labels"] = {key: value for key, value in changed["labels"].items() if value is not None}
    catalog.datasets[(project, name)] = {key: value for key, value in changed.items() if value is not None}
    return catalog.datasets[(project, name)]


def stamp(created: int) -> dict[str, Any]:
    """Times and etag of a version of a resource."""
    return {"creationTime": str(created), "lastModifiedTime": str(now()), "etag": uuid.uuid4().hex}
