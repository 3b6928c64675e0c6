"""The comment on a pull request: what it says, what it never says, how long it is."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from orchestrator.core.difference import ColumnDifference, Difference
from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.files import Span
from orchestrator.core.review import Breaking, Changed, Checked, Review, Reviewed
from orchestrator.publish.review.markdown import LONGEST, STEPS, Room, _text, markdown
from orchestrator.publish.review.text import size

GOLDEN = Path(__file__).parents[3] / "golden" / "review"


def golden(name: str, text: str) -> None:
    """Compare with the file, or (``GOLDEN=write``) make it so; the diff is then reviewed like any other."""
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def html(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^>]*>|<!--.*?-->", re.DOTALL)
KNOWN = frozenset(
    {"details", "summary", "sub", "code", "h3", "p", "ul", "li", "strong", "em", "pre", "br", "table", "thead", "tbody", "tr", "th", "td"}
)


def tags(text: str) -> list[tuple[str, bool]]:
    return [(m[2], bool(m[1])) for m in TAG.finditer(text) if m[2]]


def well_formed(text: str) -> None:
    """Every element of the page is one of ours, and closed in the order it was opened; the marker is the only comment."""
    rendered = html(text)
    open_: list[str] = []
    for name, closes in tags(rendered):
        assert name in KNOWN, name
        if closes:
            assert open_.pop() == name
        elif name != "br":
            open_.append(name)
    assert open_ == []
    assert len(re.findall("<!--", rendered)) == 1
    assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0
    assert text.count("<details>") == text.count("</details>")


def test_a_rich_review(rich: Review) -> None:
    golden("rich.md", markdown(rich))


def test_a_review_with_nothing_to_say_is_short(nothing: Review) -> None:
    text = markdown(nothing)
    golden("nothing.md", text)
    assert len(text) < 400


def test_names_are_nothing_but_names(rich: Review) -> None:
    text = markdown(rich)
    well_formed(text)
    lines = text.splitlines()
    assert lines[0] == "<!-- orc:review:shop -->"
    assert lines[1].startswith("### ❌ Blocked: ")
    assert not [line for line in lines if line.lstrip().startswith("/")]  # quick actions of GitLab
    visible = re.sub(r"<code>.*?</code>|<pre>.*?</pre>", "", html(text), flags=re.DOTALL)
    assert not re.findall(r"@\w", visible)
    rows = lines[lines.index("|---|---|---|---|---|---|") + 1 :][:5]
    assert [row.count("|") for row in rows] == [7] * 5


def test_the_verdict_comes_first(rich: Review) -> None:
    lines = markdown(rich).splitlines()
    assert lines[1] == (
        "### ❌ Blocked: 2 breaking changes, 1 failing build, 2 failing tests, 1 lint error · "
        "2 modified, 1 added, 1 removed, 4 affected · 42.0 GiB · 1 min 5 s"
    )
    assert lines[3] == "**Blocking**"
    assert lines[5].endswith("(`analytics/shop/models/rpt_margin.sql:14`)")


def test_an_expression_that_reads_the_same_changed_further_inside(nothing: Review) -> None:
    said = Changed("expression changed", "late", "round(a.late)", "round(a.late)")
    text = markdown(replace(nothing, nodes=(Reviewed("model.p.m", "m", "model", "models/m.sql", "modified", (said,)),)))
    assert "`late`: `round(a.late)`, of something else further inside" in text
    assert "`round(a.late)` → `round(a.late)`" not in text


def test_samples_are_shown_only_when_the_review_holds_them(rich: Review) -> None:
    def without(node: Reviewed) -> Reviewed:
        if not isinstance(node.difference, Difference):
            return node
        columns = tuple(replace(c, samples=()) for c in node.difference.columns)
        return replace(node, difference=replace(node.difference, columns=columns, samples_added=(), samples_removed=()))

    assert "| Key | Column |" in markdown(rich)
    text = markdown(replace(rich, nodes=tuple(without(n) for n in rich.nodes)))
    assert "| Key | Column |" not in text
    assert "for example" not in text


def test_two_thousand_models_fit_and_what_is_left_out_is_said(huge: Review) -> None:
    text = markdown(huge)
    assert size(text) < LONGEST
    well_formed(text)
    assert "Left out, to keep this short: sample rows, value diffs" in text
    assert "| `a_rather_long_name_of_a_model_as_people_write_them_0` |" in text  # who breaks others comes first
    golden("huge.md", text)


def test_the_shortest_form_fits_whatever_the_names_are() -> None:
    """Every field as long and as costly to escape as it can be."""
    worst = "\U0001f9a1|" * 3000
    node = Reviewed(
        f"model.p.{worst}", worst, worst, worst, "modified", tuple(Changed(worst, worst, worst, worst) for _ in range(50)),
        (Breaking(worst, worst, Problem("U063", worst, Span(worst)), worst),) * 50, status=Status.FAILED, reason=worst, backfill=worst,
    )  # fmt: skip
    problem = Problem("U063", worst, Span(worst), worst)
    review = Review(
        worst, worst, worst, worst, worst, worst, (node,) * 12, (Checked(worst, worst, Status.FAILED, 1, problem),) * 12, (problem,) * 12,
        (problem,) * 12, ((worst, worst),) * 12, (worst,) * 12, None, 0.0, worst, worst, worst,
    )  # fmt: skip
    room = Room()
    for name, _, number in STEPS:
        room = replace(room, **{name: number})
    assert size(_text(review, room, {words: None for _, words, _ in STEPS})) < LONGEST
    text = markdown(review)
    assert size(text) <= LONGEST
    well_formed(text)


def test_a_review_that_passes_says_what_it_was_in_spite_of(rich: Review) -> None:
    assert markdown(replace(rich, blocking=())).splitlines()[1].startswith("### ✅ Nothing blocks, in spite of 2 breaking changes, ")


nasty = st.text(alphabet="ab|`<>-!@#&~\\\n\r\t*_[]()/:. $\x00\u202e🙂", max_size=25)
spans = st.none() | st.builds(Span, nasty, st.integers(1, 9))
problems = st.builds(Problem, st.just("U063"), nasty, spans, st.none() | nasty)
statuses = st.none() | st.sampled_from(Status)
counts = st.integers(0, 10**9)
rows = st.lists(nasty | st.none() | st.integers(), max_size=3).map(tuple)
columns = st.builds(
    lambda name, kinds, of, equal, samples: ColumnDifference(name, kinds[0], kinds[1], max(of, equal), min(of, equal), None, None, tuple(samples)),
    nasty, st.tuples(nasty, nasty), counts, counts, st.lists(st.tuples(rows, nasty, nasty), max_size=2),
)  # fmt: skip


def some(what: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(what, max_size=most).map(tuple)


differences = st.builds(
    Difference, nasty, nasty, st.sampled_from(["identical", "exact", "sampled", "counted"]), counts, counts, some(nasty), nasty, counts, counts, counts,
    columns=some(columns), columns_added=some(st.tuples(nasty, nasty)), samples_added=some(rows), note=nasty,
)  # fmt: skip
nodes = st.builds(
    Reviewed, nasty, nasty, st.just("model"), nasty, st.sampled_from(["added", "modified", "removed", "affected"]),
    some(st.builds(Changed, st.sampled_from(["column added", "column renamed", "type changed", "row set changed", "config"]), nasty, nasty, nasty)),
    some(st.builds(Breaking, nasty, nasty, st.none() | problems, nasty)), st.booleans(), nasty, statuses, st.none() | problems,
    st.tuples(st.none() | counts, st.none() | counts), st.none() | differences, nasty, parents=some(nasty),
)  # fmt: skip
tests = st.builds(Checked, nasty, nasty, st.sampled_from(Status), st.none() | counts, st.none() | problems, nasty)
reviews = st.builds(
    Review, nasty, nasty, nasty, nasty, nasty, nasty, some(nodes), some(tests), some(problems), some(problems), some(st.tuples(nasty, nasty)),
    some(nasty), command=nasty, project=nasty, folder=nasty,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reviews, st.sampled_from([1, 5]))
def test_any_review_is_a_page_of_our_own_elements(review: Review, times: int) -> None:
    text = markdown(replace(review, nodes=review.nodes * times))
    assert size(text) <= LONGEST
    well_formed(text)
    assert not [line for line in text.splitlines() if line.startswith("/")]


@pytest.mark.parametrize("longest", [60_000, 20_000, 6_000])
def test_less_room_is_less_text(rich: Review, longest: int) -> None:
    text = markdown(rich, longest)
    well_formed(text)
    assert size(text) <= longest or longest == 6_000


def test_colours_of_the_diagram_are_readable_on_both_grounds(rich: Review) -> None:
    """Contrast of each box's text against its own fill: at least 7 to 1."""
    styles = re.findall(r"classDef \w+ fill:#(\w{6}).*color:#(\w{6})", markdown(rich))
    assert len(styles) >= 5
    assert [pair for pair in styles if contrast(*pair) < 7 and pair != ("ffffff", "57606a")] == []


def contrast(one: str, other: str) -> float:
    def channel(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    def light(colour: str) -> float:
        red, green, blue = (channel(int(colour[at : at + 2], 16) / 255) for at in (0, 2, 4))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
