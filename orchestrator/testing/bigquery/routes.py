"""What each address answers, but for jobs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import datasets, information, partitions, querying, types
from orchestrator.testing.bigquery.catalog import Catalog, Key, Table, reference, shown
from orchestrator.testing.bigquery.ddl import with_columns
from orchestrator.testing.bigquery.desk import Desk, Session
from orchestrator.testing.bigquery.errors import Refusal, missing, taken, unknown
from orchestrator.testing.bigquery.jobs import Jobs
from orchestrator.testing.bigquery.names import bind
from orchestrator.testing.bigquery.rows import Rows

WRITABLE = (
    "schema", "description", "friendlyName", "labels", "expirationTime", "requirePartitionFilter", "timePartitioning", "rangePartitioning",
    "clustering", "encryptionConfiguration", "view", "materializedView",
)  # fmt: skip
"""What a client can say about a table."""

IGNORED = {
    "kind",
    "id",
    "etag",
    "selfLink",
    "tableReference",
    "location",
    "type",
    "creationTime",
    "lastModifiedTime",
    "numRows",
    "numBytes",
}
IGNORED |= {"numLongTermBytes", "numPhysicalBytes", "numTotalLogicalBytes", "numActiveLogicalBytes", "numLongTermLogicalBytes"}
PAGE = 1000
"""Entries of a list, unless the client wants fewer."""


def resource(catalog: Catalog, key: Key, table: Table, *, short: bool = False) -> dict[str, Any]:
    """A table as REST answers it; ``short`` as in lists."""
    told = dict(table.resource)
    if "view" in told and short:
        told["view"] = {"useLegacySql": False}
    made: dict[str, Any] = {
        "kind": "bigquery#table",
        "id": shown(key),
        "tableReference": reference(key),
        "type": table.kind,
        "creationTime": str(table.created),
        **{
            name: told[name]
            for name in ("labels", "timePartitioning", "rangePartitioning", "clustering", "expirationTime", "view")
            if name in told
        },
    }
    if short:
        return made
    size = str(sum(table.rows.sizes(table.fields).values()))
    counts = {"numRows": str(table.rows.count), "numBytes": size, "numLongTermBytes": "0"} if table.kind != "VIEW" else {}
    place = catalog.datasets[key[:2]]["location"]
    return {**made, **told, "etag": table.etag, "lastModifiedTime": str(table.modified), "location": place, **counts}


def page(entries: list[Any], query: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the token of the next."""
    start, size = int(query.get("pageToken") or 0), int(query.get("maxResults") or PAGE)
    more = {"nextPageToken": str(start + size)} if start + size < len(entries) else {}
    return entries[start : start + size], more


def list_datasets(jobs: Jobs, project: str, query: Mapping[str, str]) -> dict[str, Any]:
    """GET …/datasets."""
    keys = ("kind", "id", "datasetReference", "location", "labels", "friendlyName")
    hidden = query.get("all", "").lower() != "true"
    found = [
        {k: made[k] for k in keys if k in made}
        for (owner, name), made in sorted(jobs.catalog.datasets.items())
        if owner == project and not (hidden and name.startswith(information.HIDDEN))
    ]
    listed, more = page(found, query)
    return {"kind": "bigquery#datasetList", "etag": uuid.uuid4().hex, "datasets": listed, **more}


def list_tables(jobs: Jobs, project: str, dataset: str, query: Mapping[str, str]) -> dict[str, Any]:
    """GET …/tables."""
    jobs.catalog.dataset(project, dataset)
    found = [resource(jobs.catalog, key, table, short=True) for key, table in jobs.catalog.inside(project, dataset)]
    listed, more = page(found, query)
    return {"kind": "bigquery#tableList", "etag": uuid.uuid4().hex, "tables": listed, "totalItems": len(found), **more}


def get_table(jobs: Jobs, key: Key) -> dict[str, Any]:
    """GET …/tables/t."""
    if key in jobs.results:
        fields, rows = jobs.results[key]
        return {
            "kind": "bigquery#table",
            "id": shown(key),
            "tableReference": reference(key),
            "type": "TABLE",
            "schema": {"fields": list(fields)},
            "numRows": str(rows.count),
        }
    return resource(jobs.catalog, key, jobs.catalog.table(key))


def insert_table(jobs: Jobs, project: str, dataset: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST …/tables."""
    key = (project, dataset, body["tableReference"]["tableId"])
    location = jobs.catalog.dataset(project, dataset)["location"]
    if key in jobs.catalog.tables:
        raise taken("Table", shown(key))
    table = Table(_said(jobs, key, body, location)).touched(rows=Rows())
    partitions.check_valid(table.resource, table.fields)
    jobs.catalog.put(key, table)
    return resource(jobs.catalog, key, table)


def _said(jobs: Jobs, key: Key, body: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The resource that a client's words make; a view gets the columns of its query."""
    if strange := sorted(set(body) - set(WRITABLE) - IGNORED):
        raise unknown(f"table properties {strange}")
    if "materializedView" in body:
        raise unknown("a materialized view that is not made by a statement")
    said = {name: body[name] for name in WRITABLE if body.get(name) is not None}
    query = (said.get("view") or {}).get("query")
    if query is not None:
        if said.get("view", {}).get("useLegacySql", "view" in said):
            raise unknown("a view in legacy SQL")
        desk = Desk(jobs.catalog, jobs.evaluator, Session(), key[0], location)
        node = desk.evaluator.parse(query)[0]
        bound = bind(desk.scope, query.encode(), node, desk.evaluator.parse)
        fields = querying.output(desk.evaluator.analyze(bound.splice, bound.world, *tree.span(node)), strict=True)
        described = {f["name"].lower(): f.get("description") for f in said.get("schema", {}).get("fields", [])}
        said["schema"] = {"fields": [{**f, **({"description": d} if (d := described.get(f["name"].lower())) else {})} for f in fields]}
    else:
        said["schema"] = {"fields": types.schema(said.get("schema", {}).get("fields", []))}
    return said


def change_table(jobs: Jobs, key: Key, body: Mapping[str, Any], etag: str | None, *, whole: bool) -> dict[str, Any]:
    """PATCH …/tables/t (what is named changes) and PUT (what is not named goes)."""
    table = jobs.catalog.table(key)
    if etag is not None and etag not in {"*", table.etag}:
        raise Refusal("conditionNotMet", "Precondition check failed.")
    given: dict[str, Any] = {name: body.get(name) for name in WRITABLE if name in body or (whole and name not in {"schema", "view"})}
    if table.kind == "MATERIALIZED_VIEW" and "schema" in given:
        raise Refusal("invalid", "Schema update for materialized views is not supported.")
    if "view" in given or "materializedView" in given:
        given |= _said(jobs, key, given, jobs.catalog.datasets[key[:2]]["location"])
    for name in ("timePartitioning", "rangePartitioning"):
        old, new = table.resource.get(name), given.get(name, table.resource.get(name))
        if partitions.text({name: old} if old else {}) != partitions.text({name: new} if new else {}):
            raise Refusal("invalid", "Cannot change the partitioning of an existing table")
    if isinstance(given.get("labels"), dict) and not whole:
        given["labels"] = {k: v for k, v in {**table.resource.get("labels", {}), **given["labels"]}.items() if v is not None}
    if given.get("schema") and table.kind == "TABLE":
        table = _reshaped(key, table, types.schema(given.pop("schema")["fields"]))
    table = table.with_resource(**{k: v for k, v in given.items() if not (k == "schema" and v is None)})
    partitions.check_valid(table.resource, table.fields)
    jobs.catalog.put(key, table)
    return resource(jobs.catalog, key, table)


def _reshaped(key: Key, table: Table, fields: list[types.Field]) -> Table:
    """A table with another schema: columns may be added, relaxed and described, in the order that they have."""
    known = {field["name"].lower(): field for field in fields}
    for old in table.fields:
        new = known.get(old["name"].lower())
        words = f"Provided Schema does not match Table {shown(key)}."
        if new is None:
            raise Refusal("invalid", f"{words} Field {old['name']} is missing in new schema")
        if types.shape([old]) != types.shape([new]):
            raise Refusal("invalid", f"{words} Field {old['name']} has changed type from {old['type']} to {new['type']}")
        if old["mode"] != new["mode"] and new["mode"] != "NULLABLE":
            raise Refusal("invalid", f"{words} Field {old['name']} has changed mode from {old['mode']} to {new['mode']}")
    kept = [known[field["name"].lower()] for field in table.fields]
    names = {field["name"].lower() for field in table.fields}
    added = [field for field in fields if field["name"].lower() not in names]
    if any(field["mode"] == "REQUIRED" for field in added):
        raise Refusal("invalid", f"Provided Schema does not match Table {shown(key)}. Cannot add required fields to an existing schema.")
    widened = with_columns(table, [*table.fields, *added]) if added else table
    return widened.with_resource(schema={"fields": [*kept, *added]})


def delete_table(jobs: Jobs, key: Key) -> None:
    """DELETE …/tables/t."""
    name, partition = partitions.split(key[2])
    key = (*key[:2], name)
    table = jobs.catalog.table(key)
    if partition is None:
        jobs.catalog.put(key, None)
        return
    place = partitions.of(table.resource)
    jobs.catalog.put(key, table.touched(rows=table.rows.keep(lambda row: place(row) != partition)))


def rows(jobs: Jobs, key: Key, query: Mapping[str, str]) -> dict[str, Any]:
    """GET …/tables/t/data."""
    if key in jobs.results:
        fields, found = jobs.results[key]
    else:
        table = jobs.catalog.table(key)
        if table.kind != "TABLE":
            raise Refusal("invalid", f"Cannot list a table of type {table.kind}.")
        fields, found = table.fields, table.rows
    if "selectedFields" in query:
        fields, found = _selected(fields, found, {name.lower() for name in query["selectedFields"].split(",")})
    told = slice_of(fields, found, query)
    return {"kind": "bigquery#tableDataList", "etag": uuid.uuid4().hex, **told}


def _selected(fields: Any, found: Rows, names: set[str]) -> tuple[list[types.Field], Rows]:
    places = [at for at, field in enumerate(fields) if field["name"].lower() in names]

    def pick(_: int, row: Any) -> None:
        cells = [row.cell[at] for at in places]
        kept = [type(cell).FromString(cell.SerializeToString()) for cell in cells]
        del row.cell[:]
        row.cell.extend(kept)

    return [fields[at] for at in places], found.change(pick)


MOST_ROWS = 10_000
"""Rows of one answer, unless the client wants fewer."""


def slice_of(fields: Any, found: Rows, query: Mapping[str, str]) -> dict[str, Any]:
    """Some rows of a result, and the token of the next ones."""
    start = int(query.get("pageToken") or query.get("startIndex") or 0)
    count = min(int(query["maxResults"]) if query.get("maxResults") else MOST_ROWS, MOST_ROWS)
    micros = query.get("formatOptions.useInt64Timestamp", "").lower() == "true"
    told: dict[str, Any] = {"totalRows": str(found.count)}
    picked = found.rest(fields, start, count, micros=micros)
    if picked:
        told["rows"] = picked
    if start + count < found.count:
        told["pageToken"] = str(start + count)
    return told


def policy(jobs: Jobs, key: Key, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """POST …/tables/t:getIamPolicy and, with a ``body``, :setIamPolicy."""
    jobs.catalog.table(key)
    if body is not None:
        bindings = [{"role": b["role"], "members": sorted(b["members"])} for b in body["policy"].get("bindings", [])]
        jobs.catalog.policies[key] = {"version": 1, "bindings": bindings}
    return {"etag": "ACAB", "version": 1, **jobs.catalog.policies.get(key, {})}


def dataset(
    jobs: Jobs, method: str, project: str, name: str, body: Mapping[str, Any], query: Mapping[str, str], etag: str | None
) -> dict[str, Any]:
    """GET, PATCH, PUT and DELETE …/datasets/d."""
    if method == "GET":
        return jobs.catalog.dataset(project, name)
    if method == "DELETE":
        jobs.catalog.drop_dataset(project, name, contents=query.get("deleteContents", "").lower() == "true")
        return {}
    if method in {"PATCH", "PUT"}:
        return datasets.change(jobs.catalog, project, name, body, etag)
    raise missing("Method", method)
