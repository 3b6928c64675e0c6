"""Errors point at the line the author wrote, through templates, macros and the warehouse."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Result


def block(done: Result) -> str:
    """The first error with its frame, trail and hint, as printed."""
    lines = done.stderr.splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(r"\s*error\[", line))
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = next(
        (i for i in range(start + 1, len(lines)) if not lines[i].strip() or lines[i].lstrip().startswith("compiled code")), len(lines)
    )
    return "\n".join(line[indent:] for line in lines[start:end])


CASES = {
    "a Jinja error": (
        {"models/a.sql": "select\n  1 as x,\n  {{ 1 + 'a' }} as y\n"},
        2,
        """
        error[R006]: TypeError: unsupported operand type(s) for +: 'int' and 'str'
          models/a.sql:3:3
            3 |   {{ 1 + 'a' }} as y
              |   ^
        """,
    ),
    "an undefined name in a macro": (
        {
            "macros/money.sql": "{% macro cents(c) %}\n  {{ c }} * {{ fee }}\n{% endmacro %}\n",
            "models/a.sql": "select\n  {{ cents('n') }} as y\nfrom (select 1 as n)\n",
        },
        2,
        """
        error[R002]: `fee` is undefined
          macros/money.sql:2:16
            2 |   {{ c }} * {{ fee }}
              |                ^^^
          called from models/a.sql:2:3
        """,
    ),
    "a SQL syntax error": (
        {"models/a.sql": "{% set n = 3 %}\nselect\n  {% for i in range(n) %}\n  {{ i }} as c{{ i }},\n  {% endfor %}\n  1 as one two\n"},
        2,
        """
        error[P001]: syntax error: this does not belong here near `two`
          models/a.sql:6:12
            6 |   1 as one two
              |            ^^^
        hint: if the engine accepts this, say `config(parse=false)`: orc then reads only ref() and source()
        """,
    ),
    "an unknown column": (
        {
            "models/base.sql": "select 1 as amount",
            "models/a.sql": "-- {{ 'a comment that grows' * 3 }}\nselect\n  amuont as x\nfrom {{ ref('base') }}\n",
        },
        1,
        """
        error[X102]: Referenced column "amuont" not found in FROM clause!
          models/a.sql:3:3
            3 |   amuont as x
              |   ^^^^^^
        hint: did you mean `amount`?
        """,
    ),
    "an unknown column inside a macro": (
        {
            "macros/money.sql": "{% macro half(c) %}\n  {{ c }} / amuont\n{% endmacro %}\n",
            "models/base.sql": "select 1 as amount",
            "models/a.sql": "select\n  {{ half('amount') }} as x\nfrom base\n",
        },
        1,
        """
        error[X102]: Referenced column "amuont" not found in FROM clause!
          macros/money.sql:2:13
            2 |   {{ c }} / amuont
              |             ^^^^^^
          called from models/a.sql:2:3
        hint: did you mean `amount`?
        """,
    ),
    "an unknown function": (
        {"models/a.sql": "select\n  uper('a') as x\n"},
        1,
        """
        error[X102]: Scalar Function with name uper does not exist!
          models/a.sql:2:3
            2 |   uper('a') as x
              |   ^^^^
        hint: did you mean `upper`?
        """,
    ),
    "a value that does not convert": (
        {
            "seeds/raw.csv": "id,n\n1,x\n",
            "models/a.sql": "{{ config(materialized='table') }}\nselect\n  id,\n  cast(n as integer) as n\nfrom {{ ref('raw') }}\n",
        },
        1,
        """
        error[X103]: Could not convert string 'x' to INT32 when casting from source column n
          models/a.sql:4:3
            4 |   cast(n as integer) as n
              |   ^^^^
        """,
    ),
    "a missing table": (
        {"models/orders.sql": "select 1 as x", "models/a.sql": "select *\nfrom {{ ref('ordrs') }}\n"},
        2,
        """
        error[L012]: model `a` refers to `ordrs`, which does not exist
          models/a.sql:2:6
            2 | from {{ ref('ordrs') }}
              |      ^
        hint: did you mean `orders`?
        """,
    ),
    "an unclosed block": (
        {"models/a.sql": "select\n{% if true %}\n  1 as x\n"},
        2,
        """
        error[R001]: template syntax: unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'
          models/a.sql:2:1
            2 | {% if true %}
              | ^
        hint: close the block with {% endif %}
        """,
    ),
    "a query in a template that fails": (
        {
            "macros/q.sql": "{% macro newest() %}\n  {% set rows = run_query('select max(x) from nowhere') %}\n  {{ return(1) }}\n{% endmacro %}\n",
            "models/a.sql": "select\n  {{ newest() }} as x\n",
        },
        1,
        """
        error[X102]: Table with name nowhere does not exist!
          macros/q.sql:2:3
            2 |   {% set rows = run_query('select max(x) from nowhere') %}
              |   ^
          called from models/a.sql:2:3
        """,
    ),
    "a singular test": (
        {"models/a.sql": "select 1 as amount", "tests/assertions/t.sql": "select *\nfrom {{ ref('a') }}\nwhere amuont > 1\n"},
        1,
        """
        error[X102]: Referenced column "amuont" not found in FROM clause!
          tests/assertions/t.sql:3:7
            3 | where amuont > 1
              |       ^^^^^^
        hint: did you mean `amount`?
        """,
    ),
    "a Python model that raises": (
        {
            "models/a.py": "import json\n\n\ndef helper(text):\n    return json.loads(text)['id']\n\n\ndef model(ctx):\n    return [{'x': helper('{}')}]\n"
        },
        1,
        """
        error[X201]: KeyError: 'id'
          models/a.py:5:12
            5 |     return json.loads(text)['id']
              |            ^^^^^^^^^^^^^^^^^^^^^^
          in model models/a.py:9:19
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_where_the_author_wrote_it(project: Make, case: str) -> None:
    files, code, expected = CASES[case]
    done = project(files).orc("build").exits(code)
    assert block(done) == dedent(expected).strip("\n")


def test_the_same_place_for_programs(project: Make) -> None:
    p = project({"models/a.sql": "select\n  nope as x\n"})
    done = p.orc("run", "--log-format", "json").exits(1)
    assert '"models/a.sql"' in done.stderr
    assert '"line": 2' in done.stderr or '"line":2' in done.stderr
    assert "nope" in done.messages["a"]


def test_a_schema_called_like_its_database_is_explained(project: Make) -> None:
    p = project(
        {
            "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: shop}}}\n",
            "dbt_project.yml": "name: shop\nprofile: shop\n",
            "models/a.sql": "select 1 as id",
            "models/b.sql": "select a.id from {{ ref('a') }} as a",
        }
    )
    assert "give the schema or the file another name" in p.orc("run").exits(1).stderr
