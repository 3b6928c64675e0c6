from __future__ import annotations

import pytest

from orchestrator.core import marker
from orchestrator.parse.python_model import python_model


@pytest.mark.parametrize(
    ("source", "wants"),
    [
        ("def model(ctx):\n    return ctx.ref('a').df()", [(marker.ref("a"), 2)]),
        (
            "def model(dbt, session):\n    return dbt.ref('a').join(dbt.source('s', 't'))",
            [(marker.ref("a"), 2), (marker.source("s", "t"), 2)],
        ),
        ("def model(ctx):\n    return ctx.ref('pkg', 'a', v=2)", [(marker.ref("a", "pkg", "2"), 2)]),
        (
            "def model(ctx):\n    a = ctx.ref('a')\n    b = ctx.ref('b')\n    return ctx.ref('a')",
            [(marker.ref("a"), 2), (marker.ref("b"), 3)],
        ),
        ("def part(ctx):\n    return ctx.ref('a')\n\ndef model(ctx):\n    return part(ctx)", [(marker.ref("a"), 2)]),
        ("def model(ctx, /):\n    if False:\n        return ctx.ref('a')", [(marker.ref("a"), 3)]),
        ("async def model(ctx):\n    return ctx.ref('a')", [(marker.ref("a"), 2)]),
        ("def model(ctx):\n    'ctx.ref(1)'\n    return other.ref('a')  # ctx.ref('b')", []),
        ("def model(ctx):\n    return {n: 1 for n in ctx.ref('a').columns}", [(marker.ref("a"), 2)]),
    ],
)
def test_references_are_read_without_running(source: str, wants: list[tuple[str, int]]) -> None:
    facts = python_model(source, "m.py")
    assert (list(facts.wants), facts.problems) == (wants, ())


def test_config_and_docstring() -> None:
    facts = python_model(
        "'''Why.'''\ndef model(ctx):\n    ctx.config(materialized='table', tags=['a'], meta={'b': -1})\n    ctx.config(**{})", "m.py"
    )
    assert facts.doc == "Why."
    assert facts.config["materialized"] == "table"
    assert facts.config["meta"] == {"b": -1}
    assert python_model("def model(ctx):\n    '''Inside.'''", "m.py").doc == "Inside."


@pytest.mark.parametrize(
    ("source", "code", "place"),
    [
        ("def model(ctx):\n  return (", "P020", "m.py:2:10"),
        ("def mdel(ctx):\n  pass", "P021", "m.py:1:1"),
        ("x = 1\ndef model():\n  pass", "P022", "m.py:2:1"),
        ("def model(ctx):\n  return ctx.ref(name)", "P023", "m.py:2:10"),
        ("def model(ctx):\n  'жж'; ctx.ref(f'{x}')", "P023", "m.py:2:9"),
        ("def model(ctx):\n  [ctx.ref(n) for n in ('a', 'b')]", "P023", "m.py:2:4"),
        ("def model(ctx):\n  ctx.ref()", "P023", "m.py:2:3"),
        ("def model(ctx):\n  ctx.source('a')", "P023", "m.py:2:3"),
        ("def model(ctx):\n  ctx.config(tags=make())", "P024", "m.py:2:19"),
        ("def model(ctx):\n  return '\0'", "P020", "m.py:1:1"),
        ("", "P021", "m.py:1:1"),
    ],
)
def test_what_cannot_be_read_is_said_where_it_is(source: str, code: str, place: str) -> None:
    assert [(p.code, str(p.span)) for p in python_model(source, "m.py").problems] == [(code, place)]


def test_odd_escapes_stay_the_author_s_business() -> None:
    assert python_model("def model(ctx):\n    return '\\d'", "m.py").problems == ()


def test_absurd_depth_is_a_problem() -> None:
    source = "def model(ctx):\n    return " + "-" * 100_000 + "1"
    assert [p.code for p in python_model(source, "m.py").problems] == ["P020"]
