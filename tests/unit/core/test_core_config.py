from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import marker
from orchestrator.core.config import merge, walk


@pytest.mark.parametrize(
    ("levels", "result"),
    [
        ([{"tags": "a"}, {"tags": ["a", "b"]}, {"+tags": None}], {"tags": ["a", "b"]}),
        ([{"pre-hook": "x"}, {"pre_hook": ["x", "y"]}], {"pre_hook": ["x", "x", "y"]}),
        ([{"post_hook": {"sql": "x", "transaction": False}}], {"post_hook": [{"sql": "x", "transaction": False}]}),
        ([{"meta": {"a": 1, "b": 1}}, {"meta": {"b": 2}}], {"meta": {"a": 1, "b": 2}}),
        ([{"meta": {"a": 1}}, {"meta": None}], {"meta": None}),
        ([{"schema": "a"}, {"+schema": "b"}], {"schema": "b"}),
        ([{"partition_by": {"field": "a"}}, {"partition_by": {"type": "b"}}], {"partition_by": {"type": "b"}}),
        ([{"grants": {"select": "a"}}, {"grants": {"select": ["b"]}}], {"grants": {"select": ["b"]}}),
        ([{"grants": {"select": "a", "insert": "i"}}, {"grants": {"+select": "b"}}], {"grants": {"select": ["a", "b"], "insert": ["i"]}}),
        ([{"grants": {"+select": "a"}}], {"grants": {"select": ["a"]}}),
        ([], {}),
    ],
)
def test_levels_combine(levels: list[dict[str, Any]], result: dict[str, Any]) -> None:
    assert merge(levels) == result


def test_combining_changes_no_level() -> None:
    levels: list[dict[str, Any]] = [
        {"tags": ["a"], "meta": {"x": 1}, "grants": {"select": ["a"]}},
        {"tags": ["b"], "meta": {"y": 1}, "grants": {"+select": ["b"]}},
    ]
    merge(levels)
    assert levels == [
        {"tags": ["a"], "meta": {"x": 1}, "grants": {"select": ["a"]}},
        {"tags": ["b"], "meta": {"y": 1}, "grants": {"+select": ["b"]}},
    ]


@pytest.mark.parametrize(
    ("tree", "levels"),
    [
        ({}, []),
        ({"+enabled": True, "shop": {"+schema": "a"}}, [{"enabled": True}, {"schema": "a"}]),
        ({"shop": {"schema": "a", "marts": {"tags": ["x"], "orders": {"alias": "o"}}}}, [{"schema": "a"}, {"tags": ["x"]}, {"alias": "o"}]),
        ({"shop": {"other": {"+schema": "no"}}, "elsewhere": {"+schema": "no"}}, []),
        ({"shop": {"marts": {"+pre-hook": "x"}}}, [{"pre_hook": "x"}]),
        # A folder may be called like a config key; `+` says which is meant.
        ({"shop": {"marts": {"+schema": "m"}, "tags": {"+schema": "t"}}}, [{"schema": "m"}]),
        ({"shop": {"marts": None}}, []),
        ({"shop": {"meta": {"a": 1}}}, [{"meta": {"a": 1}}]),
    ],
)
def test_a_project_s_tree_is_walked_to_the_file(tree: dict[str, Any], levels: list[dict[str, Any]]) -> None:
    assert walk(tree, ["shop", "marts", "orders"]) == levels


def test_a_folder_called_like_a_config_key() -> None:
    assert walk({"shop": {"tags": {"+schema": "t"}}}, ["shop", "tags", "orders"]) == [{"schema": "t"}]


@pytest.mark.parametrize("quote", ['"', "`"])
def test_markers_are_found_again(quote: str) -> None:
    payloads = [marker.ref("orders"), marker.ref("orders", "shop", "2"), marker.source("raw", "my table"), "this"]
    text = "".join(f" -- {marker.write(p, 'name', quote)}\n'{quote}" for p in payloads)
    assert [m.payload for m in marker.find(text, quote)] == payloads
    assert all(text[m.start : m.end] == marker.write(m.payload, m.name, quote) for m in marker.find(text, quote))
