"""The options of tables and views, from a model's config. Wrong shapes are problems of the plan (N340)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.adapters.bigquery.jobs import label
from orchestrator.adapters.bigquery.layout import refusal
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.config import listed

_SAY = GoogleWords()
_ROLES = {
    "select": "roles/bigquery.dataViewer",
    "insert": "roles/bigquery.dataEditor",
    "update": "roles/bigquery.dataEditor",
    "delete": "roles/bigquery.dataEditor",
}
_MEMBERS = ("user:", "group:", "serviceAccount:", "domain:", "principal:", "principalSet:", "specialGroup:")
_EVERYBODY = ("allUsers", "allAuthenticatedUsers")


def building(config: Mapping[str, Any]) -> dict[str, str]:
    """What a table has from its first row on: its labels and the key it is encrypted with.

    Expiration and the filter on partitions wait for the publish: checks read all of a stage, and no row may vanish from it.
    """
    found = dict(_labels(config))
    key = config.get("kms_key_name")
    if key is not None:
        if not isinstance(key, str) or not key.startswith("projects/"):
            raise refusal(
                f"`kms_key_name` is a key's full name, not `{key}`", "kms_key_name: projects/P/locations/L/keyRings/R/cryptoKeys/K"
            )
        found["kms_key_name"] = _SAY.text(key)
    return found


def published(config: Mapping[str, Any]) -> dict[str, str]:
    """What a table has from its publish on."""
    found = dict(_labels(config)) | dict(_expiration(config))
    required = config.get("require_partition_filter")
    if required is not None:
        if not isinstance(required, bool):
            raise refusal(f"`require_partition_filter` is true or false, not `{required}`", "require_partition_filter: true")
        if required and not config.get("partition_by"):
            raise refusal("`require_partition_filter` needs `partition_by`", "partition_by: {field: created_at, data_type: timestamp}")
        found["require_partition_filter"] = _SAY.literal(required)
    days = config.get("partition_expiration_days")
    if days is not None:
        if not config.get("partition_by"):
            raise refusal("`partition_expiration_days` needs `partition_by`", "partition_by: {field: created_at, data_type: timestamp}")
        found["partition_expiration_days"] = number("partition_expiration_days", days)
    return found


def of_view(config: Mapping[str, Any]) -> dict[str, str]:
    """The options of a view."""
    return dict(_labels(config)) | dict(_expiration(config))


def clause(options: Mapping[str, str]) -> str:
    """``OPTIONS (…)``; nothing for no options.

    >>> clause({"labels": "[]"})
    'options (labels=[])'
    """
    return f"options ({', '.join(f'{key}={value}' for key, value in options.items())})" if options else ""


def members(wanted: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Grants by role, members as IAM writes them; ``select`` is the word for the role that may read.

    >>> members({"select": ["group:analysts@shop.com"]})
    {'roles/bigquery.dataViewer': ('group:analysts@shop.com',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for privilege, grantees in wanted.items():
        role = _ROLES.get(str(privilege).lower(), str(privilege))
        if not role.startswith(("roles/", "projects/", "organizations/")):
            raise refusal(f"`{privilege}` is not a role of BigQuery", "grants: {roles/bigquery.dataViewer: ['group:analysts@shop.com']}")
        for member in listed(grantees):
            if not str(member).startswith(_MEMBERS) and member not in _EVERYBODY:
                raise refusal(f"`{member}` is nobody that BigQuery knows", "say what it is: user:, group:, serviceAccount: or domain:")
        found[role] = tuple(dict.fromkeys([*found.get(role, ()), *(str(m) for m in listed(grantees))]))
    return found


def _labels(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    given = config.get("labels")
    if given is None:
        return
    if not isinstance(given, Mapping) or any(isinstance(v, (Mapping, list)) for v in given.values()):
        raise refusal(f"`labels` is a mapping of texts, not `{given}`", "labels: {team: finance}")
    for part in (str(x) for pair in given.items() for x in pair):
        if part != label(part):
            raise refusal(f"`{part}` cannot stand in a label", f"small letters, digits, `_` and `-`, at most 63: {label(part)}")
    pairs = ", ".join(f"({_SAY.text(str(k))}, {_SAY.text(str(v))})" for k, v in given.items())
    yield "labels", f"[{pairs}]"


def _expiration(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    hours = config.get("hours_to_expiration")
    if hours is not None:
        yield (
            "expiration_timestamp",
            f"timestamp_add(current_timestamp(), interval {number('hours_to_expiration', hours, whole=True)} hour)",
        )


def number(key: str, value: Any, *, whole: bool = False) -> str:
    """A number more than 0, as SQL. Raises ``PlanError`` (N340)."""
    wanted = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted) or value <= 0:
        raise refusal(f"`{key}` is a{' whole' if whole else ''} number more than 0, not `{value}`", f"{key}: 30")
    return str(value)
