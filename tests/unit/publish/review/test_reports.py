"""The same review for programs: JSON, JUnit, SARIF, annotations, code quality."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from orchestrator.app.ci.reports import annotated, reports, write_reports
from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.files import Span
from orchestrator.core.project import Secret
from orchestrator.core.review import Checked, Review
from orchestrator.publish.problems.code_quality import code_quality
from orchestrator.publish.problems.github import SHOWN, github
from orchestrator.publish.review.problems import problems

GOLDEN = Path(__file__).parents[3] / "golden" / "review"
CI = {"GITHUB_ACTIONS": "true"}


def golden(name: str, text: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def test_every_report_of_a_rich_review(rich: Review) -> None:
    found = reports(rich)
    assert set(found) == {"review.md", "review.json", "junit.xml", "review.sarif", "code-quality.json"}
    golden("rich.json", found["review.json"])
    golden("rich.junit.xml", found["junit.xml"])
    golden("rich.sarif", re.sub(r'"version": "\d+\.\d+\.\d+[^"]*"(?=,\s+"rules")', '"version": "x"', found["review.sarif"]))
    golden("rich.code-quality.json", found["code-quality.json"])
    golden("rich.annotations.txt", annotated(rich, CI))


def test_reports_of_nothing(nothing: Review) -> None:
    found = reports(nothing)
    assert json.loads(found["review.json"])["passes"] is True
    assert json.loads(found["code-quality.json"]) == []
    assert json.loads(found["review.sarif"])["runs"][0]["results"] == []
    assert ET.fromstring(found["junit.xml"]).attrib["tests"] == "0"
    assert annotated(nothing, CI) == ""


def test_json_has_every_field_and_a_version(rich: Review) -> None:
    found = json.loads(reports(rich)["review.json"])
    assert found["version"] == 1
    assert set(found) == {"version", "passes"} | {f.name for f in fields(Review)}
    assert found["nodes"][0]["difference"]["columns"][2]["samples"] == [[[18], "1.10", 1.1], [[19], None, "inf"]]


def junit_shape(text: str) -> ET.Element:
    """What readers of JUnit's XML agree upon: names, numbers that add up, one outcome for each case."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    numbers = ("tests", "failures", "errors", "skipped")
    for suite in root:
        assert (suite.tag, {"name", "time", *numbers} <= set(suite.attrib)) == ("testsuite", True)
        assert int(suite.attrib["tests"]) == len(suite)
        outcomes = Counter(child.tag for case in suite for child in case)
        assert outcomes["failure"] == int(suite.attrib["failures"])
        assert outcomes["error"] == int(suite.attrib["errors"])
        assert outcomes["skipped"] == int(suite.attrib["skipped"])
        for case in suite:
            assert case.tag == "testcase"
            assert set(case.attrib) <= {"name", "classname", "time", "file"}
            assert float(case.attrib["time"]) >= 0
            assert len(case) <= 1
            assert all(child.tag in ("failure", "error", "skipped") for child in case)
    for number in numbers:
        assert int(root.attrib[number]) == sum(int(suite.attrib[number]) for suite in root)
    return root


def test_junit_has_the_usual_shape(rich: Review, huge: Review) -> None:
    root = junit_shape(reports(rich)["junit.xml"])
    assert {s.attrib["name"]: s.attrib["tests"] for s in root} == {"builds": "6", "changes": "4", "tests": "5", "lint": "2"}
    junit_shape(reports(huge)["junit.xml"])


def test_xml_holds_whatever_names_hold(nothing: Review) -> None:
    nasty = "".join(map(chr, range(0x100))) + "\ud800\ufffe\U0001f642 ]]> &amp;"
    review = replace(nothing, tests=(Checked(nasty, nasty, Status.FAILED, 1, Problem("X1", nasty), nasty),))
    junit_shape(reports(review)["junit.xml"].encode("utf-8", "backslashreplace").decode())


def test_sarif_points_into_the_repository(rich: Review) -> None:
    (run,) = json.loads(reports(rich)["review.sarif"])["runs"]
    assert run["tool"]["driver"]["name"] == "orc ci"
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert [uri for uri in uris if not re.fullmatch(r"analytics/shop/[A-Za-z0-9_./~%-]+", uri)] == []
    assert "analytics/shop/models/with%20space%2C%C3%BC.sql" in uris
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [r["ruleId"] for r in run["results"]]
    assert {r["level"] for r in run["results"]} == {"error", "warning"}
    s301 = next(rule for rule in rules if rule["id"] == "S301")
    assert s301 == {
        "id": "S301",
        "name": "unused-cte",
        "shortDescription": {"text": "a CTE that nothing reads"},
        "defaultConfiguration": {"level": "warning"},
    }
    (told,) = [i["toolExecutionNotifications"] for i in run["invocations"]]
    assert len(told) == 2  # no file to point into, and still said


def test_each_problem_is_told_once_and_errors_first(rich: Review) -> None:
    found = problems(rich)
    assert len({(p.message, p.span) for p in found}) == len(found)
    severities = [p.severity for p in found]
    assert severities == sorted(severities)  # error < warning
    assert set(rich.blocking) <= set(found)


def test_annotations_cannot_be_forged_and_are_ten_of_a_kind(rich: Review) -> None:
    lines = annotated(rich, CI).splitlines()
    assert all(re.match(r"::(error|warning) (file=[^:,]+,line=\d+,col=\d+,endColumn=\d+,)?title=[^:,]*::", line) for line in lines)
    assert len([p for p in problems(rich)]) == len(lines)  # noqa: C416 - a generator has no length
    many = [Problem("S301", f"n{at}", Span("a.sql", at + 1), severity="warning") for at in range(30)] + [
        Problem("S101", "e", Span("a.sql"))
    ]
    shown = github(many, "", SHOWN).splitlines()
    assert [line.split(" ")[0] for line in shown] == ["::error"] + ["::warning"] * 10
    assert shown[-1] == "::warning title=orc::and 21 more, see the report"
    assert annotated(rich, {}) == ""


def test_a_fingerprint_survives_other_lines_and_other_counts() -> None:
    def prints(*found: Problem) -> list[str]:
        return [row["fingerprint"] for row in json.loads(code_quality(found))]

    one, moved = Problem("X210", "12 rows fail", Span("a.sql", 3)), Problem("X210", "13 rows fail", Span("a.sql", 9))
    other = Problem("X210", "12 rows fail", Span("b.sql", 3))
    assert prints(one) == prints(moved)
    assert prints(one) != prints(other)
    assert len(set(prints(one, moved, other))) == 3  # twice in one report is two


def test_code_quality_has_what_gitlab_reads(rich: Review) -> None:
    rows = json.loads(reports(rich)["code-quality.json"])
    assert rows
    for row in rows:
        assert set(row) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert row["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert row["location"]["lines"]["begin"] >= 1
        assert row["location"]["path"].startswith("analytics/shop/")


def test_files_are_written_and_the_summary_is_added_to(rich: Review, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    env = {**CI, "GITHUB_STEP_SUMMARY": str(summary)}
    files = write_reports(rich, env, tmp_path / "out", [Secret("fct_orders")])
    assert sorted(p.name for p in files) == sorted(p.name for p in (tmp_path / "out").iterdir())
    assert summary.read_text().startswith("before\n<!-- orc:review:shop -->")
    assert all("fct_orders" not in p.read_text(encoding="utf-8") for p in (*files, summary))
    write_reports(rich, {"GITHUB_STEP_SUMMARY": str(summary)}, tmp_path / "elsewhere")
    assert summary.read_text().count("orc:review") == 1  # not on GitHub


def test_a_summary_that_is_full_stays_as_it_is(rich: Review, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * (1024 * 1024 - 100))
    write_reports(rich, {**CI, "GITHUB_STEP_SUMMARY": str(summary)}, tmp_path / "out")
    assert summary.stat().st_size == 1024 * 1024 - 100
