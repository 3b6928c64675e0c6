"""Sources as an author would write them: a new file, or lines added to one of somebody's own."""

from __future__ import annotations

import random
from textwrap import dedent

import pytest

from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described
from orchestrator.load.lines import Lines
from orchestrator.load.yaml import read_text
from orchestrator.publish.source_yaml import Imported, extended, source_yaml


def table(name: str, *columns: str) -> Described:
    return Described(Relation("db", "landing", name), "table", tuple((c, "integer", None) for c in columns))


def raw(*tables: Described, name: str = "raw", schema: str = "landing") -> Imported:
    return Imported(name, schema, tables)


def add(text: str, *found: Imported) -> str | None:
    """The file with what it lacks, if that reads as it should; `None` when it has to stay as it is."""
    before = read_text("s.yml", text)
    line = Lines(before.data, before.lines).__getitem__
    return extended(text, before.data, line, found, lambda made: read_text("s.yml", made).data)


BEFORE = dedent("""\
    # ours
    version: 2
    sources:
      - name: raw            # from the shop
        schema: landing
        tables:
          - name: orders
            description: |
              One row each.

              - not a list
            columns:
              - name: id
                description: the key
          # the last one
          - name: users

    models:
      - name: orders
    """)


def test_what_is_there_is_not_added_again() -> None:
    assert add(BEFORE, raw(table("orders", "id"), table("users"))) == BEFORE


def test_a_column_a_table_and_a_source_are_added_where_they_belong() -> None:
    made = add(
        BEFORE,
        raw(table("orders", "ID", "amount"), table("users", "id"), table("visits", "at")),
        raw(table("log"), name="web", schema="web"),
    )
    assert made == dedent("""\
        # ours
        version: 2
        sources:
          - name: raw            # from the shop
            schema: landing
            tables:
              - name: orders
                description: |
                  One row each.

                  - not a list
                columns:
                  - name: id
                    description: the key
                  - name: amount
                    data_type: integer
              # the last one
              - name: users
                columns:
                  - name: id
                    data_type: integer
              - name: visits
                columns:
                  - name: at
                    data_type: integer
          - name: web
            tables:
              - name: log

        models:
          - name: orders
        """)


def test_lists_that_are_not_indented_are_added_to_as_they_are() -> None:
    text = "sources:\n- name: raw\n  schema: landing\n  tables:\n  -   name: orders\n      columns:\n      - name: id\n"
    made = add(text, raw(table("orders", "id", "amount"), table("users")))
    assert made == text + "      - name: amount\n        data_type: integer\n  - name: users\n"


@pytest.mark.parametrize("text", ["", "version: 2\n", "models:\n  - name: a"])
def test_a_file_without_sources_gets_them(text: str) -> None:
    made = add(text, raw(table("orders")))
    assert made is not None
    assert made.startswith(text)
    assert read_text("s.yml", made).data["sources"] == [{"name": "raw", "schema": "landing", "tables": [{"name": "orders"}]}]


def test_windows_line_ends_stay() -> None:
    made = add(BEFORE.replace("\n", "\r\n"), raw(table("visits")))
    assert made is not None
    assert made.count("\n") == made.count("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{name: raw, schema: landing, tables: [{name: orders}]}]",
        "sources:\n  - name: raw\n    schema: landing\n    tables: [{name: orders}]",
        "sources:\n  - {name: raw, schema: landing, tables: [{name: orders}]}",
        "sources:\n  - name: raw\n    schema: landing",
        "sources:\n  - name: raw\n    schema: landing\n    tables: []",
        "sources:\n",
        "sources:\n  - name: raw\n    schema: another\n    tables:\n      - name: orders",
        "sources:\n  - name: raw\n    tables:\n      - name: orders",
    ],
)
def test_what_cannot_be_added_to_line_by_line_is_refused(text: str) -> None:
    assert add(text, raw(table("visits"))) is None


def test_a_name_that_is_no_word_is_written_so_that_it_reads_back() -> None:
    names = ["no", "1", "a b", "é", "x: y", "it's", '"', "#", "- a", "null", "a #b", "tab\there", "new\nline", "{{ x }}", "true", "~", "a:"]
    made = source_yaml([raw(table("orders", *names), table("Orders 2"))])
    (read,) = read_text("s.yml", made).data["sources"]
    assert [c["name"] for c in read["tables"][0]["columns"]] == names
    assert read["tables"][1]["name"] == "Orders 2"


def test_whatever_is_there_stays_and_whatever_is_missing_is_added() -> None:
    """Random files written by us, random tables on top: a second import of the same finds nothing to add."""
    dice = random.Random(5)
    for _ in range(100):
        some = [table(n, *dice.sample("abcdef", dice.randint(0, 4))) for n in dice.sample(["t", "u", "v", "w"], dice.randint(1, 3))]
        text = source_yaml([raw(*some)])
        more = [table(n, *dice.sample("abcdef", dice.randint(0, 4))) for n in dice.sample(["t", "u", "v", "w"], dice.randint(1, 4))]
        made = add(text, raw(*more))
        assert made is not None
        assert add(made, raw(*more)) == made
        left = iter(made.splitlines())
        assert all(line in left for line in text.splitlines())
