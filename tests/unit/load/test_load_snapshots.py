"""Snapshots as files declare them: which blocks are found, and that what is found stays where it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment

from orchestrator.load.snapshots import blocks

Understand = Callable[..., Any]
BEFORE = st.text(st.sampled_from("ab é\n\t'-{"), max_size=30).filter(lambda text: not any(tag in text for tag in ("{#", "{%", "{{")))


@given(BEFORE, st.lists(st.sampled_from(["select 1", "\n  select\n2", " -- {{ no }}\n"]), min_size=1, max_size=3))
@example("", ["select 1"])
@example("\n", ["select 1"])
def test_every_character_keeps_its_line_and_column(before: str, queries: list[str]) -> None:
    before = before.rstrip("{")
    text = "\n".join(f"{before}{{% snapshot s{n} %}}{query}{{% endsnapshot %}}" for n, query in enumerate(queries))
    found, problems = blocks("snapshots/s.sql", text)
    assert problems == []
    assert [b.name for b in found] == [f"s{n}" for n in range(len(queries))]
    start = 0
    for block, query in zip(found, queries, strict=True):
        at = text.index(query, text.index(f"{{% snapshot {block.name} %}}", start))
        start = at
        assert block.text.endswith(query)
        padding = block.text[: len(block.text) - len(query)]
        assert padding.count("\n") == text.count("\n", 0, at)
        assert len(padding) - padding.rfind("\n") == at - text.rfind("\n", 0, at)
        assert Environment().from_string(padding).render() == ""
        assert block.line == text.count("\n", 0, text.index(f"{{% snapshot {block.name} %}}")) + 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{%- snapshot a -%}x{%- endsnapshot -%}", ["a"]),
        ("{%snapshot a%}x{%endsnapshot%}{% snapshot b %}y{% endsnapshot %}", ["a", "b"]),
        ("{# {% snapshot a %}x{% endsnapshot %} #}", []),
        ("{% raw %}{% snapshot a %}{% endraw %}", []),
        ("{% snapshots a %}", []),
        ("{% snapshot a %}{# {% endsnapshot %} #}x{% endsnapshot %}", ["a"]),
    ],
)
def test_what_counts_as_a_block(text: str, names: list[str]) -> None:
    found, problems = blocks("snapshots/s.sql", text)
    assert ([b.name for b in found], problems) == (names, [])


BLOCK = "{% snapshot h %}{{ config(strategy='check', unique_key='id', check_cols='all'MORE) }}select 1 as id, 2 as n{% endsnapshot %}"


def test_config_levels_are_merged(understand: Understand) -> None:
    found = understand(
        {
            "pyproject.toml": '[tool.orchestrator]\nname = "shop"\n[tool.orchestrator.snapshots.shop.deep]\n"+schema" = "a"\n"+tags" = ["x"]\n',
            "models/m.sql": "select 1 as x",
            "snapshots/deep/h.sql": BLOCK.replace("MORE", ", schema='c', tags='z'"),
            "snapshots/deep/h.yml": "snapshots: [{name: h, config: {schema: b, tags: y}}]",
        }
    )
    config = found.graph.nodes["snapshot.shop.h"].config
    assert (config["schema"], config["tags"], config["materialized"]) == ("c", ["x", "y", "z"], "snapshot")


@pytest.mark.parametrize("more", [", hard_deletes='invalidate'", ", updated_at='n'", ", dbt_valid_to_current='now()'", ", alias='other'"])
def test_config_that_shapes_the_history_is_part_of_the_fingerprint(understand: Understand, more: str) -> None:
    before, after = (
        understand({"models/m.sql": "select 1 as x", "snapshots/h.sql": BLOCK.replace("MORE", m)}).graph.nodes["snapshot.shop.h"]
        for m in ("", more)
    )
    assert before.fingerprint != after.fingerprint


def test_lines_above_a_block_are_no_part_of_it(understand: Understand) -> None:
    late = BLOCK.replace("MORE", "").replace("2 as n", "{{ run_started_at.year }} as n")
    before, after = (
        understand({"models/m.sql": "select 1 as x", "snapshots/h.sql": f"{above}{late}"}).graph.nodes["snapshot.shop.h"]
        for above in ("", "-- words\n\n")
    )
    assert before.fingerprint == after.fingerprint


def test_an_entry_without_block_or_relation_is_reported(understand: Understand) -> None:
    found = understand({"models/m.sql": "select 1 as x", "models/m.yml": "snapshots: [{name: nobody}]"})
    ((message, place, hint),) = found.said("C120")
    assert (message, place) == ("properties describe the snapshot `nobody`, which does not exist", "models/m.yml:1:1")
    assert hint == "there is neither a block nor a `relation`"
