"""What is asked of tables that is no statement of a plan: their partitions, and changes of description and access policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from google.api_core import exceptions
from google.cloud import bigquery

from orchestrator.adapters.bigquery.jobs import Describe
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer

_SAY = GoogleWords()


def describe(client: bigquery.Client, table: str, wanted: Describe) -> None:
    """Set descriptions and policy tags; the request says which version of the table it means, so nobody's change is lost."""
    found = client.get_table(table)
    changed: list[str] = []
    if wanted.description is not None:
        found.description = wanted.description
        changed.append("description")
    if wanted.columns or wanted.tags:
        found.schema = [bigquery.SchemaField.from_api_repr(_told(f.to_api_repr(), "", wanted)) for f in found.schema]
        changed.append("schema")
    if changed:
        client.update_table(found, changed)


def _told(column: dict[str, object], path: str, wanted: Describe) -> dict[str, object]:
    """A column with its description and tags; a field of a struct is named ``column.field``."""
    name = f"{path}{column['name']}".casefold()
    descriptions = {c.casefold(): text for c, text in wanted.columns.items()}
    tags = {c.casefold(): names for c, names in wanted.tags.items()}
    told = dict(column)
    if name in descriptions:
        told["description"] = descriptions[name]
    if name in tags:
        told["policyTags"] = {"names": list(tags[name])}
    inner = column.get("fields")
    if isinstance(inner, Sequence):
        told["fields"] = [_told(dict(f), f"{name}.", wanted) for f in inner]
    return told


def grant(client: bigquery.Client, table: str, wanted: Mapping[str, Sequence[str]]) -> None:
    """Make the table's own policy what is wanted. What the dataset and the project allow is not touched."""
    policy = client.get_iam_policy(table)
    before = {(str(b["role"]), frozenset(b["members"])) for b in policy.bindings}
    after = {(role, frozenset(members)) for role, members in wanted.items() if members}
    if before != after:
        policy.bindings = [{"role": role, "members": set(members)} for role, members in wanted.items() if members]
        client.set_iam_policy(table, policy)


def inherit(client: bigquery.Client, source: str, target: str) -> None:
    """Give ``target`` the policy that ``source`` has; one that we may not see cannot be handed on."""
    with suppress(exceptions.Forbidden, exceptions.NotFound):
        policy = client.get_iam_policy(source)
        if policy.bindings:
            new = client.get_iam_policy(target)
            new.bindings = policy.bindings
            client.set_iam_policy(target, new)


def partitions(execute: Callable[[str], Answer], table: Relation) -> list[str]:
    """The partitions that a table has rows in."""
    where = _SAY.relation(replace(table, name="")).rstrip(".")
    sql = f"select partition_id from {where}.INFORMATION_SCHEMA.PARTITIONS where table_name = {_SAY.text(table.name)} order by 1"
    return [str(row[0]) for row in execute(sql).rows if row[0] is not None]
