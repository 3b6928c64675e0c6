"""`orc source import`: declarations of tables that are there already."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.projects.conftest import Make, Project

TABLES = """
    create schema landing;
    create table landing.orders (id bigint primary key, "Order Date" date, amount decimal(10, 2));
    comment on table landing.orders is 'one row: each order';
    comment on column landing.orders.id is 'the key';
    create table landing.users (id integer);
    create schema other;
    create view other.v as select 1 as x;
"""
ORDERS = dedent("""\
    version: 2

    sources:
      - name: landing
        tables:
          - name: orders
            description: "one row: each order"
            columns:
              - name: id
                data_type: BIGINT
                description: the key
              - name: Order Date
                data_type: DATE
                quote: true
              - name: amount
                data_type: DECIMAL(10,2)
    """)


@pytest.fixture
def shop(project: Make) -> Project:
    p = project({"models/a.sql": "select 1 as x"})
    p.change(TABLES)
    return p


def test_a_table_is_printed(shop: Project) -> None:
    assert shop.orc("source", "import", "landing.orders").exits(0).stdout == ORDERS


def test_a_schema_is_written_and_read_by_the_next_command(shop: Project) -> None:
    told = shop.orc("source", "import", "landing", "--output", "models/sources.yml").exits(0)
    assert "2 tables declared in models/sources.yml" in told.stderr
    assert told.stdout == ""
    assert shop.orc("ls", "--resource-type", "source").exits(0).stdout.split() == [
        "source:p.landing.landing.orders",
        "source:p.landing.landing.users",
    ]


def test_a_source_may_have_another_name_than_its_schema(shop: Project) -> None:
    shop.orc("source", "import", "raw", "--schema", "landing", "--output", "models/sources.yml").exits(0)
    assert "schema: landing" in shop.read("models/sources.yml")
    shop.change("alter table landing.users add column email text; create table landing.visits (seen timestamp)")
    shop.orc("source", "import", "--output", "models/sources.yml").exits(0)
    assert "email" in shop.read("models/sources.yml")
    assert "visits" not in shop.read("models/sources.yml")
    shop.orc("source", "import", "raw", "--schema", "landing", "--output", "models/sources.yml").exits(0)
    assert "visits" in shop.read("models/sources.yml")
    shop.orc("parse").exits(0)


def test_what_the_project_builds_is_no_source(shop: Project) -> None:
    shop.orc("run").exits(0)
    shop.change("create table main.stray (x integer)")
    assert "- name: stray" in (told := shop.orc("source", "import", "main").exits(0).stdout)
    assert "- name: a" not in told


def test_what_another_file_declares_is_left_there(shop: Project) -> None:
    shop.write({"models/old.yml": "sources: [{name: landing, tables: [{name: users}]}]"})
    told = shop.orc("source", "import", "landing", "-o", "models/new.yml").exits(0)
    assert "`landing.users` is declared in models/old.yml: left out" in told.stderr
    assert "users" not in shop.read("models/new.yml")
    shop.orc("parse").exits(0)


def test_an_identifier_stays_what_the_author_calls_it(shop: Project) -> None:
    shop.write({"models/s.yml": "sources:\n  - name: landing\n    tables:\n      - name: customers\n        identifier: users\n"})
    printed = shop.orc("source", "import").exits(0).stdout
    assert "- name: customers\n        identifier: users\n" in printed
    shop.orc("source", "import", "landing", "-o", "models/s.yml").exits(0)
    assert shop.read("models/s.yml").count("customers") == 1


def test_a_declared_table_that_is_gone_is_told_and_the_others_are_imported(shop: Project) -> None:
    shop.write({"models/s.yml": "sources:\n  - name: landing\n    tables:\n      - name: gone\n      - name: users\n"})
    told = shop.orc("source", "import", "-o", "models/s.yml").exits(0)
    assert "`landing.gone` is declared, but the warehouse has no `landing.gone`" in told.stderr
    assert "- name: id" in shop.read("models/s.yml")


def test_an_authors_file_is_never_written_anew(shop: Project) -> None:
    text = "sources: [{name: landing, tables: [{name: users}]}]  # mine\n"
    shop.write({"models/s.yml": text})
    told = shop.orc("source", "import", "landing", "-o", "models/s.yml").exits(2)
    assert "U033" in told.stderr
    assert "- name: orders" in told.stdout
    assert shop.read("models/s.yml") == text


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        ([], "U030", "orc source import raw"),
        (["a.b", "--schema", "landing"], "U030", "--schema landing"),
        (["landng"], "U032", "did you mean `landing`?"),
        (["landing.order"], "U032", "did you mean `orders`?"),
        (["landing", "-o", "sources.yml"], "U034", "--output models/sources.yml"),
        (["landing", "-o", "models/sources.txt"], "U034", "--output models/sources.yml"),
        (["landing", "-o", "models/../../x.yml"], "U034", "--output models/sources.yml"),
    ],
)
def test_what_cannot_be_is_said(shop: Project, words: list[str], code: str, hint: str) -> None:
    told = shop.orc("source", "import", *words).exits(2)
    assert code in told.stderr
    assert hint in told.stderr
    assert sorted(f.name for f in (shop.root / "models").iterdir()) == ["a.sql"]


def test_a_secret_in_a_comment_is_not_written(shop: Project) -> None:
    shop.environment["ORC_SECRET_X"] = "hunter2hunter2"
    shop.change("comment on table landing.users is 'ask hunter2hunter2'")
    told = shop.orc("source", "import", "landing", "-o", "models/s.yml").exits(2)
    assert "hunter2" not in told.stderr + told.stdout
    assert not (shop.root / "models/s.yml").exists()
