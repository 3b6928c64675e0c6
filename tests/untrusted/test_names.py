"""Names in properties are printed everywhere: they hold nothing that a terminal or a CI server would obey."""

from __future__ import annotations

import pytest

from tests.untrusted.conftest import GOOD, Stranger, codes


@pytest.mark.parametrize(
    "text",
    [
        'sources: [{name: "s\\e[31m", tables: [{name: t}]}]',
        'sources: [{name: s, tables: [{name: "t\\n::error::x"}]}]',
        'exposures: [{name: "e\\e[2J", type: dashboard, owner: {name: o}}]',
        "sources: [{name: s, tables: [{name: \"{{ 'a\\\\n::set-env name=x::y' }}\"}]}]",
    ],
)
def test_names_with_control_characters_are_errors(text: str, stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, "models/a.yml": f"version: 2\n{text}\n"})
    assert codes(found) == {"C150"}
    assert "control characters" in found.blocking[0].message
