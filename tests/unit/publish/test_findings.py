"""Findings as programs read them."""

from __future__ import annotations

import json

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.publish.problems.findings import findings
from orchestrator.report.findings import summary

ONE = Problem(
    "S450", "100% public,\nsaid: twice", Span("models/a,b:c.sql", 3, 5, 4), "look", (("called from", Span("m.sql", 1, 2)),), "warning", "a"
)
TWO = Problem("LT01", "spaces (layout.spacing)", Span("models/a,b:c.sql", 1, 2), severity="error")


def test_what_steers_an_annotation_is_escaped() -> None:
    first, second = findings([ONE, TWO], "github").splitlines()
    assert first == "::error file=models/a%2Cb%3Ac.sql,line=1,col=2,endColumn=3,title=LT01::spaces (layout.spacing)"
    assert second == (
        "::warning file=models/a%2Cb%3Ac.sql,line=3,col=5,endColumn=9,title=S450 public-pii::100%25 public,%0Asaid: twice. look"
    )


def test_json_holds_everything_in_order_of_place() -> None:
    first, second = json.loads(findings([ONE, TWO], "json"))
    assert (first["code"], first["rule"], first["severity"]) == ("LT01", "LT01", "error")
    assert second == {
        "code": "S450",
        "rule": "public-pii",
        "severity": "warning",
        "message": "100% public,\nsaid: twice",
        "path": "models/a,b:c.sql",
        "line": 3,
        "column": 5,
        "length": 4,
        "hint": "look",
        "node": "a",
        "trail": [{"what": "called from", "path": "m.sql", "line": 1, "column": 2}],
    }


def test_sarif_describes_only_rules_that_are_ours_and_relates_the_calls() -> None:
    (run,) = json.loads(findings([ONE, TWO], "sarif"))["runs"]
    assert [(r["id"], "shortDescription" in r) for r in run["tool"]["driver"]["rules"]] == [("LT01", False), ("S450", True)]
    assert [r["ruleIndex"] for r in run["results"]] == [0, 1]
    assert run["results"][1]["relatedLocations"][0]["message"] == {"text": "called from"}


def test_many_nodes_that_are_not_judged_are_named_in_part() -> None:
    late = [(f"n{i}", "late") for i in range(7)]
    assert summary([], 1, 0, late, 2) == (
        "1 query checked: nothing found; 7 not judged: late (n0, n1, n2, n3, n4 and 2 more); sqlfluff cannot read 2"
    )
