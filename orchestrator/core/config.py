"""How config levels combine: in-file over properties YAML over project file, deepest folder last (dbt's rules)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.core.rules import coded

APPENDED = frozenset({"tags", "pre_hook", "post_hook", "depends_on"})
MERGED = frozenset({"meta", "grants", "labels", "column_types", "docs", "persist_docs", "lint", "retries"})

MODEL_KEYS = frozenset(
    """
    allow_non_incremental_definition deterministic
    access alias backup batch_size begin bind cluster_by column_types columns compress concurrent_batches contract cron database
    delimiter depends_on description dist docs enabled event_time expiration_hours fail_calc freshness full_refresh grants group
    hours_to_expiration incremental_predicates incremental_strategy indexes inserts_only kms_key_name labels latest_version limit lookback
    materialized max_staleness memory_limit merge_exclude_columns merge_update_columns meta on_configuration_change on_error
    on_failure on_success export
    on_schema_change lint
    packages parse partition_by partitions partition_expiration_days predicates
    persist_docs pool post_hook pre_hook publish python_version quote_columns
    enable_refresh refresh_interval_minutes
    quoting refresh require_partition_filter retries schema severity snapshot_meta_column_names sort sql_header static_analysis
    store_failures store_failures_as strategy submission_method table_type tags target_database target_schema threads timeout unique_key
    unlogged updated_at check_cols hard_deletes invalidate_hard_deletes dbt_valid_to_current unique_tmp_table_suffix warn_if error_if
    when when_upstream_failed when_upstream_skipped where view_refresh file_format partition_type location
    """.split()  # noqa: SIM905 - a table of words reads better than a hundred quotes
)
"""Config keys that mean something to us, to dbt, or to one of the engines; others belong under ``meta``."""


def normal(key: str) -> str:
    """A config key's one spelling.

    >>> normal("+pre-hook")
    'pre_hook'
    """
    return key.removeprefix("+").replace("-", "_")


def merge(levels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Combine config levels, weakest first: tags and hooks append, ``meta`` and grants merge, the rest replaces.

    >>> merge([{"tags": "a", "schema": "x"}, {"+tags": ["b"], "schema": "y"}])
    {'tags': ['a', 'b'], 'schema': 'y'}
    """
    result: dict[str, Any] = {}
    for level in levels:
        for written, value in level.items():
            key = normal(written)
            if key == "lint" and isinstance(value, Mapping):
                value = coded(value)  # noqa: PLW2901 - a rule's code and its name are one key
            if key in APPENDED:
                before = result.get(key, [])
                result[key] = [*before, *(item for item in listed(value) if item not in before or key != "tags")]
            elif key in MERGED and isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
                result[key] = {**result[key], **_merged_grants(result[key], value)} if key == "grants" else {**result[key], **value}
            elif key == "grants" and isinstance(value, Mapping):
                result[key] = {normal(k): listed(v) for k, v in value.items()}
            else:
                result[key] = value
    return result


def _merged_grants(before: Mapping[str, Any], level: Mapping[str, Any]) -> dict[str, Any]:
    """A grant spelled ``+select`` adds to the levels below; ``select`` replaces them."""
    return {normal(k): [*listed(before.get(normal(k), [])), *listed(v)] if k.startswith("+") else listed(v) for k, v in level.items()}


def listed(value: Any) -> list[Any]:
    """A value given alone or as a list, as a list.

    >>> listed("a"), listed(["a", "b"]), listed(None)
    (['a'], ['a', 'b'], [])
    """
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return [value]


def walk(tree: Mapping[str, Any], path: Sequence[str], keys: frozenset[str] = MODEL_KEYS) -> list[Mapping[str, Any]]:
    """The config levels of a project-file tree on the way down ``path`` (package, folders…, name), weakest first.

    A key is config when it is spelled ``+key``, or is a known config key and does not name the next folder.

    >>> walk({"shop": {"+schema": "a", "marts": {"materialized": "table"}}}, ["shop", "marts", "orders"])
    [{'schema': 'a'}, {'materialized': 'table'}]
    """
    levels: list[Mapping[str, Any]] = []
    here: Any = tree
    for step in [*path, None]:
        if not isinstance(here, Mapping):
            break
        own = {
            normal(k): v
            for k, v in here.items()
            if k.startswith("+") or (normal(k) in keys and k != step and (not isinstance(v, Mapping) or normal(k) in MERGED))
        }
        if own:
            levels.append(own)
        here = here.get(step) if step is not None else None
    return levels
