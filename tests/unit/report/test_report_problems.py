"""Problems with the line they are on, whatever the line looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.report.problems import columns, problem, problems

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
FILES = {
    "models/mart/revenue.sql": "\n" * 13 + "  from stg.order\n",
    "tabs.sql": "select\t\tbad,\r\n",
    "wide.sql": "select '日本語', naïve, bad from t",
    "long.sql": "select " + ", ".join(f"column_{i}" for i in range(60)) + " from t",
    "macros/m.sql": "{% macro cents(x) %}\n  {{ amout / 100 }}\n{% endmacro %}",
    "bom.sql": "\ufeffselec 1",
    "ff.sql": "-- a\x0cb\u2028c\nselec 1",
}


def at(path: str, needle: str, code: str = "P001", **more: object) -> Problem:
    for number, line in enumerate(FILES[path].removeprefix("\ufeff").split("\n"), 1):
        if needle in line:
            return Problem(code, f"`{needle}` is wrong", Span(path, number, line.index(needle) + 1, len(needle)), **more)  # type: ignore[arg-type]  # fields by name
    raise AssertionError(needle)


def test_the_example_of_the_design() -> None:
    found = Problem(
        "L012",
        "`mart.revenue` reads `stg.order`, which does not exist",
        Span("models/mart/revenue.sql", 14, 8, 9),
        "did you mean `stg.orders`?",
    )
    expected = """\
error[L012]: `mart.revenue` reads `stg.order`, which does not exist
  models/mart/revenue.sql:14:8
   14 |   from stg.order
      |        ^^^^^^^^^
hint: did you mean `stg.orders`?"""
    assert problem(found, FILES.get) == expected


def test_every_kind_of_line() -> None:
    found = [
        at("wide.sql", "bad"),
        at("tabs.sql", "bad"),
        at("long.sql", "column_30"),
        at("long.sql", "column_0"),
        at("long.sql", "column_59"),
        at("bom.sql", "selec"),
        at("ff.sql", "selec"),
        at(
            "macros/m.sql",
            "amout",
            "R002",
            trail=(("called from", Span("models/a.sql", 7, 5)), ("called from", Span("models/b.sql", 1, 1))),
        ),
        Problem("C001", "two lines\nof message", None, "two lines\nof hint", severity="warning"),
        Problem("P002", "beyond the end", Span("wide.sql", 1, 900, 5)),
        Problem("P002", "no such line", Span("wide.sql", 99, 1)),
        Problem("P002", "no such file", Span("gone.sql", 1, 1)),
    ]
    text = problems(found, FILES.get, width=80) + "\n"
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / "problems.txt").write_text(text)
    assert text == (GOLDEN / "problems.txt").read_text()


@pytest.mark.parametrize("name", ["column_0", "column_30", "column_59"])
@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_long_line_is_cut_around_the_mark_and_fits(name: str, width: int) -> None:
    frame, carets = problem(at("long.sql", name), FILES.get, width=width).splitlines()[2:4]
    assert max(len(frame), len(carets)) <= width
    start, end = carets.index("^"), carets.rindex("^") + 1
    assert frame[start:end] == name


def test_carets_stand_under_what_they_mark_in_any_script() -> None:
    frame, carets = problem(at("wide.sql", "bad"), FILES.get).splitlines()[2:4]
    assert columns(frame[: frame.index("bad")]) == carets.index("^")


def test_problems_are_sorted_and_each_is_told_once() -> None:
    one, two = Problem("A1", "later", Span("a.sql", 10)), Problem("A2", "sooner", Span("a.sql", 9))
    assert [line for line in problems([one, two, one]).splitlines() if line.startswith("error")] == [
        "error[A2]: sooner",
        "error[A1]: later",
    ]


def test_the_rest_of_many_problems_is_counted() -> None:
    found = [Problem("A1", f"number {i}", Span("a.sql", i)) for i in range(1, 58)]
    text = problems(found)
    assert text.count("error[A1]") == 20
    assert text.endswith("\n\nand 37 more")
    assert "more" not in problems(found[:20])


def test_colours_are_asked_for() -> None:
    found = at("wide.sql", "bad", hint="better")
    assert "\x1b" not in problem(found, FILES.get)
    coloured = problem(found, FILES.get, colour=True)
    assert "\x1b[31merror[P001]\x1b[0m" in coloured
    assert "\x1b[31m^^^\x1b[0m" in coloured


def test_messages_and_places_hold_no_commands_to_a_ci_server() -> None:
    evil = Problem(
        "R007", "x\n::add-mask::y\n\u00a0::error::z", Span("::error::x/a\nb.sql"), "h\n::h", (("called\n::from", Span("::m.sql")),)
    )
    text = problem(evil)
    assert not [line for line in text.splitlines() if line.strip().startswith("::")]
    assert "a\\nb.sql" in text
