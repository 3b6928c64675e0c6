"""The data of two relations, compared on every engine: `difference` by itself, and `orc diff` over two targets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from orchestrator.app.compare.difference import difference
from orchestrator.core.difference import MASK, ColumnDifference, Difference, Key, Terms, Undone
from tests.contract.shop import Row, Shop, rows_sql

ID = (Key(("id",), "--on"),)


class Pair:
    """Two tables, and what is different between them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def made(self, before: str, after: str, *, view: bool = False) -> Pair:
        with self.shop.session() as (warehouse, session):
            say = warehouse.dialect
            session.execute(say.create_schema(self.shop.relation("x")))
            for name, select in (("before_side", before), ("after_side", after)):
                create = say.create_view if view and name == "after_side" else say.create_table
                session.execute(create(self.shop.relation(name), select, {}))
        return self

    def difference(self, keys: Iterable[Key] = ID, **terms: Any) -> Difference:
        found = self.asked(keys, **terms)
        assert isinstance(found, Difference), found
        return found

    def asked(self, keys: Iterable[Key] = ID, after: str = "after_side", **terms: Any) -> Difference | Undone:
        with self.shop.session() as (warehouse, session):
            before = self.shop.relation("before_side")
            return difference(session, warehouse.dialect, before, self.shop.relation(after), keys, Terms(**terms))


@pytest.fixture
def pair(shop: Shop) -> Pair:
    return Pair(shop)


def rows(*given: Row, names: tuple[str, ...] = ("id", "v")) -> str:
    return rows_sql(given, names)


def column(found: Difference, name: str) -> ColumnDifference:
    return next(c for c in found.columns if c.name == name)


def none(of: str) -> str:
    return f"select * from ({of}) orc_none where 1 = 0"


def counts(found: Difference) -> tuple[int, int, int, int]:
    return found.added, found.removed, found.changed, found.same


def test_equal_tables_are_identical_whatever_the_order_of_their_rows(pair: Pair) -> None:
    pair.made(rows((1, "a"), (2, None), (3, "c")), rows((3, "c"), (1, "a"), (2, None)))
    found = pair.difference()
    assert (found.how, found.rows_before, found.rows_after, found.same, found.differs) == ("identical", 3, 3, 3, False)


def test_two_of_one_and_none_of_another_are_not_identical(pair: Pair) -> None:
    pair.made(rows((1, "a"), (1, "a"), (2, "b"), (2, "b")), rows((1, "a"), (2, "b"), (3, "c"), (3, "c")))
    assert pair.difference().differs


def test_rows_are_matched_by_key(pair: Pair) -> None:
    pair.made(rows((1, "a"), (2, "b"), (3, None), (4, None)), rows((2, "B"), (3, None), (4, "d"), (5, "e"), (6, "f")))
    found = pair.difference()
    assert counts(found) == (2, 1, 2, 1)
    assert (found.how, found.key, found.key_from) == ("exact", ("id",), "--on")
    changed = column(found, "v")
    assert (changed.compared, changed.equal) == (3, 1)
    assert changed.samples == (((2,), "b", "B"), ((4,), None, "d"))
    assert (found.shown, found.samples_removed, found.samples_added) == (("id", "v"), ((1, "a"),), ((5, "e"), (6, "f")))


def test_samples_are_the_first_by_key_and_no_more_than_asked_for(pair: Pair) -> None:
    numbers = range(20)
    pair.made(rows(*((n, "a") for n in numbers)), rows(*((n, "b") for n in reversed(numbers))))
    found = pair.difference(limit=3)
    assert [key for key, _, _ in column(found, "v").samples] == [(0,), (1,), (2,)]
    assert pair.difference(limit=0).samples_added == ()


def test_keys_of_several_columns_odd_names_and_quotes(pair: Pair) -> None:
    names = ('"two wide"', '"it\'s"', '"select"')
    if pair.shop.engine == "bigquery":  # its columns are called by letters, digits and underscores
        names = ("`two wide`", "`order`", "`select`")
    first, second, value = (n.strip('"`') for n in names)
    key = (Key((first, second), "--on"),)
    quoted = "x\\'y" if pair.shop.engine == "bigquery" else "x''y"
    pair.made(rows((1, quoted, "a"), (1, "z", "b"), names=names), rows((1, quoted, "b"), (1, "z", "c"), (2, "z", "d"), names=names))
    found = pair.difference(key)
    assert counts(found) == (1, 0, 2, 0)
    assert column(found, value).samples == (((1, "x'y"), "a", "b"), ((1, "z"), "b", "c"))


def test_duplicate_keys_are_counted_and_not_matched(pair: Pair) -> None:
    pair.made(rows((1, "a"), (1, "b"), (2, "c"), (3, "d")), rows((1, "a"), (2, "c"), (3, "D"), (4, "e"), (4, "e")))
    found = pair.difference()
    assert counts(found) == (0, 0, 1, 1)
    assert (found.duplicates_before, found.duplicates_after) == (1, 1)
    assert (found.unmatched_before, found.unmatched_after) == (2, 3)


def test_a_difference_among_duplicates_alone_is_one(pair: Pair) -> None:
    pair.made(rows((1, "a"), (1, "b"), (2, "c")), rows((1, "a"), (1, "x"), (2, "c")))
    found = pair.difference()
    assert (counts(found), found.unmatched_differ, found.differs) == ((0, 0, 0, 1), True, True)


def test_rows_whose_key_is_null_are_counted_and_not_matched(pair: Pair) -> None:
    pair.made(rows(("a", "1"), (None, "2")), rows((None, "2"), (None, "3"), ("a", "1")))
    found = pair.difference()
    assert (counts(found), found.nulls_before, found.nulls_after, found.unmatched_after) == ((0, 0, 0, 1), 1, 2, 2)
    assert found.differs


def test_without_a_key_one_is_found(pair: Pair) -> None:
    pair.made(rows((7, "a", 1), (7, "b", 2), names=("g", "name", "n")), rows((7, "a", 1), (7, "b", 3), names=("g", "name", "n")))
    found = pair.difference(())
    assert (found.key, found.key_from, counts(found)) == (("name",), "inferred", (0, 0, 1, 1))


def test_a_pair_of_columns_may_be_the_key(pair: Pair) -> None:
    names = ("a", "b", "v")
    pair.made(rows((1, 1, 5), (1, 2, 5), (2, 1, 5), (2, 2, 5), names=names), rows((1, 1, 5), (1, 2, 5), (2, 1, 5), (2, 2, 6), names=names))
    found = pair.difference(())
    assert (found.key, counts(found)) == (("a", "b"), (0, 0, 1, 3))


def test_rows_without_any_key_are_counted_as_a_bag(pair: Pair) -> None:
    pair.made(rows((1, "a"), (1, "a"), (1, "a"), (2, "b")), rows((1, "a"), (2, "b"), (2, "b"), (3, "c")))
    found = pair.difference(())
    assert (found.how, found.key, found.added, found.removed, found.same) == ("counted", (), 2, 2, 2)
    assert "no key" in found.note
    assert (set(found.samples_removed), set(found.samples_added)) == ({(1, "a")}, {(2, "b"), (3, "c")})


def test_a_key_that_one_side_lacks_is_passed_over_and_said(pair: Pair) -> None:
    pair.made(rows((1, "a")), rows((1, "b")))
    found = pair.difference([Key(("gone",), "unique_key"), *ID])
    assert (found.key_from, "`gone`" in found.note) == ("--on", True)


def test_columns_that_come_and_go(pair: Pair) -> None:
    pair.made(rows((1, "a"), names=("id", "was")), rows((1, "a"), names=("id", "made")))
    found = pair.difference()
    assert ([n for n, _ in found.columns_added], [n for n, _ in found.columns_removed], found.differs) == (["made"], ["was"], True)


def test_nothing_in_common_is_said(pair: Pair) -> None:
    pair.made("select 1 as a", "select 1 as b")
    found = pair.asked()
    assert isinstance(found, Undone)
    assert "no column in common" in found.why


def test_a_relation_that_is_not_there_is_said(pair: Pair) -> None:
    pair.made("select 1 as a", "select 1 as a")
    found = pair.asked(after="nobody")
    assert isinstance(found, Undone)
    assert "nobody" in found.why


def test_types_that_hold_each_other_are_compared_as_the_wider(pair: Pair) -> None:
    big = "int64" if pair.shop.engine == "bigquery" else "bigint"
    exact = "numeric" if pair.shop.engine == "bigquery" else "decimal(12, 2)"
    pair.made(
        f"select 1 as id, cast(5 as {big}) as v union all select 2, cast(6 as {big})",
        f"select 1 as id, cast(5 as {exact}) as v union all select 2, cast(6.5 as {exact})",
    )
    found = pair.difference()
    assert (counts(found), column(found, "v").retyped) == ((0, 0, 1, 1), True)
    assert column(found, "v").compared_as not in ("", "text")


def test_equal_values_of_another_type_are_the_same_rows_and_the_type_is_a_difference(pair: Pair) -> None:
    pair.made(rows((1, 5)), rows((1, "5")))
    found = pair.difference()
    assert (counts(found), column(found, "v").compared_as, found.differs) == ((0, 0, 0, 1), "text", True)


def test_empty_tables(pair: Pair) -> None:
    pair.made(none(rows((1, "a"))), none(rows((1, "a"))))
    assert pair.difference().how == "identical"
    pair.made(none(rows((1, "a"))), rows((1, "a"), (2, "b")))
    found = pair.difference()
    assert (counts(found), found.rows_before) == ((2, 0, 0, 0), 0)
    assert pair.difference(()).added == 2


def test_a_view_is_compared_as_a_table_is(pair: Pair) -> None:
    pair.made(rows((1, "a")), rows((1, "b")), view=True)
    assert counts(pair.difference()) == (0, 0, 1, 0)


def test_a_filter_counts_on_both_sides(pair: Pair) -> None:
    pair.made(rows((1, "a"), (2, "b")), rows((1, "x"), (2, "c")))
    found = pair.difference(where="id > 1 -- the rest is old")
    assert (found.rows_before, counts(found)) == (1, (0, 0, 1, 0))


def test_columns_can_be_named_and_left_out(pair: Pair) -> None:
    names = ("id", "v", "w")
    pair.made(rows((1, "a", "b"), names=names), rows((1, "x", "y"), names=names))
    assert [c.name for c in pair.difference(columns=("w",)).columns] == ["id", "w"]
    assert [c.name for c in pair.difference(exclude=("W" if pair.shop.engine != "postgres" else "w",)).columns] == ["id", "v"]


def test_floating_numbers_may_be_a_little_apart_if_that_is_asked_for(pair: Pair) -> None:
    kind = "float64" if pair.shop.engine == "bigquery" else "double precision"
    made = [f"select 1 as id, cast({v} as {kind}) as v union all select 2, cast({w} as {kind})" for v, w in ((0.1, 1), (0.1001, 2))]
    pair.made(made[0], made[1])
    assert counts(pair.difference()) == (0, 0, 2, 0)
    assert counts(pair.difference(tolerance=0.001)) == (0, 0, 1, 1)


def test_not_a_number_is_the_same_as_itself_and_not_null(pair: Pair) -> None:
    kind = "float64" if pair.shop.engine == "bigquery" else "double precision"

    def made(last: str) -> str:
        return f"select 1 as id, cast('NaN' as {kind}) as v union all select 2, {last}"

    pair.made(made("1.5"), made("null"))
    assert counts(pair.difference(limit=0)) == (0, 0, 1, 1)


def test_spreads_say_what_the_values_are_like(pair: Pair) -> None:
    pair.made(rows((1, 10), (2, 20)), rows((1, 10), (2, 40)))
    v = column(pair.difference(), "v")
    assert v.before is not None
    assert v.after is not None
    assert (v.before.least, v.before.greatest, v.after.greatest, v.after.mean, v.after.nulls) == (10, 20, 40, 25.0, 0)
    assert (v.before.distinct, v.after.distinct) == (2, 2)


def test_personal_data_are_not_shown(pair: Pair) -> None:
    pair.made(rows(("a@x", "1"), ("b@x", "2")), rows(("a@x", "3"), ("c@x", "4")))
    found = pair.difference(masked=("ID" if pair.shop.engine != "postgres" else "id",))
    assert "@" not in repr(found)
    assert column(found, "v").samples == (((MASK,), "1", "3"),)
    assert found.key_masked


def test_a_sample_is_of_the_same_keys_on_both_sides(pair: Pair) -> None:
    numbers = range(200)
    pair.made(rows(*((n, "a") for n in numbers)), rows(*((n, "b") for n in numbers)))
    found = pair.difference(percent=25.0)
    assert (found.how, found.share, found.added, found.removed) == ("sampled", 0.25, 0, 0)
    assert 15 < found.changed < 90
    assert pair.difference(percent=25.0).changed == found.changed


def test_a_sample_that_misses_the_difference_does_not_hide_that_there_is_one(pair: Pair) -> None:
    numbers = range(100)
    pair.made(rows(*((n, "a") for n in numbers)), rows(*((n, "a") for n in numbers), (100, "b")))
    found = pair.difference(percent=0.0001)
    assert (found.added, found.changed, found.same, found.differs) == (0, 0, 0, True)
    pair.made(rows(*((n, "a") for n in numbers)), rows(*((n, "b" if n == 50 else "a") for n in numbers)))
    found = pair.difference(percent=0.0001)
    assert (found.changed, found.unmatched_differ, found.differs) == (0, True, True)


NESTED = {
    "bigquery": ("[1, 2]", "[1, 3]", "struct(1 as a, 'x' as b)", "struct(1 as a, 'y' as b)", "json '{\"a\": 1}'", "json '{\"a\": 2}'"),
    "duckdb": ("[1, 2]", "[1, 3]", "{'a': 1, 'b': 'x'}", "{'a': 1, 'b': 'y'}", "'{\"a\": 1}'::json", "'{\"a\": 2}'::json"),
    "postgres": ("array[1, 2]", "array[1, 3]", "point(1, 2)", "point(1, 3)", "'{\"a\": 1}'::json", "'{\"a\": 2}'::json"),
}


def test_values_with_values_inside_are_compared(pair: Pair) -> None:
    one, two, three, four, five, six = NESTED[pair.shop.engine]
    pair.made(
        f"select 1 as id, {one} as a, {three} as b, {five} as c union all select 2, {one}, {three}, {five}",
        f"select 1 as id, {one} as a, {three} as b, {five} as c union all select 2, {two}, {four}, {six}",
    )
    found = pair.difference()
    assert counts(found) == (0, 0, 1, 1)
    assert [(c.name, c.compared - c.equal) for c in found.columns] == [("id", 0), ("a", 1), ("b", 1), ("c", 1)]


VALUES = {
    "bigquery": ["true", "date '2026-01-31'", "timestamp '2026-01-31 10:00:00+00'", "datetime '2026-01-31 10:00:00'", "b'a'", "numeric '1.50'"],
    "duckdb": [
        "true", "date '2026-01-31'", "timestamp '2026-01-31 10:00:00'", "timestamptz '2026-01-31 10:00:00+00'", "time '10:00:00'",
        "'a'::blob", "1.50::decimal(9, 2)", "'9b2c1f9e-6f0f-4d67-9c5b-3f2d3c1f0a11'::uuid", "interval '3 days'", "170141183460469231731687303715884105727",
    ],
    "postgres": [
        "true", "date '2026-01-31'", "timestamp '2026-01-31 10:00:00'", "timestamptz '2026-01-31 10:00:00+00'", "time '10:00:00'",
        "'a'::bytea", "1.50::numeric", "'9b2c1f9e-6f0f-4d67-9c5b-3f2d3c1f0a11'::uuid", "interval '3 days'", "inet '10.0.0.1'", "int4range(1, 5)",
    ],
}  # fmt: skip


def test_values_of_every_type_are_the_same_as_themselves_and_not_as_null(pair: Pair) -> None:
    values = VALUES[pair.shop.engine]
    listed = ", ".join(f"{v} as c{n}" for n, v in enumerate(values))
    nulls = ", ".join(f"nullif({v}, {v})" for v in values)
    pair.made(f"select 1 as id, {listed} union all select 2, {', '.join(values)}", f"select 1 as id, {listed} union all select 2, {nulls}")
    found = pair.difference()
    assert counts(found) == (0, 0, 1, 1)
    assert {c.compared - c.equal for c in found.columns if c.name != "id"} == {1}
    assert all(len(c.samples) == 1 and c.samples[0][2] is None for c in found.columns if c.name != "id")


def test_values_of_types_that_may_be_keys_find_their_rows_again(pair: Pair) -> None:
    values = [v for v in VALUES[pair.shop.engine] if "interval" not in v and "range" not in v and "inet" not in v]
    names = [f"c{n}" for n in range(len(values))]
    listed = ", ".join(f"{v} as {n}" for n, v in zip(names, values, strict=True))
    pair.made(f"select {listed}, 1 as v", f"select {listed}, 2 as v")
    for name in names:
        found = pair.difference((Key((name,), "--on"),))
        assert (counts(found), [s[1:] for s in column(found, "v").samples], found.note) == ((0, 0, 1, 0), [(1, 2)], ""), name


# the command


def two_targets(shop: Shop, other: str = "prod_side") -> Shop:
    said = json.loads((shop.root / "profiles.yml").read_text(encoding="utf-8"))
    outputs = said["shop"]["outputs"]
    outputs["prod"] = {**outputs["dev"], "schema": other}
    return shop.write({"profiles.yml": json.dumps(said)})


ORDERS = """
    {{ config(materialized='table') }}
    select 1 as id, 'a@x' as mail, {{ 10 if target.name == 'dev' else 5 }} as amount
    union all select {{ 2 if target.name == 'dev' else 3 }}, 'b@x', 7
"""
CHECKED = """
    version: 2
    models:
      - name: orders
        columns:
          - {name: id, data_tests: [unique]}
          - {name: mail, meta: {pii: email}}
"""


def test_orc_diff_compares_a_model_with_another_target(shop: Shop) -> None:
    two_targets(shop).write({"models/orders.sql": ORDERS, "models/orders.yml": CHECKED})
    shop.orc("run", "-t", "prod")
    shop.orc("run")
    shop.orc("diff", "orders", "--against", "prod", "--exit-code", code=3)
    for line in ("compared by id (test unique_orders_id)", "1 added   1 removed   1 changed   0 same", "id 1  5 → 10", "****"):
        assert line in shop.told
    assert "@x" not in shop.told
    shop.orc("diff", "orders", "--against", "prod", "--show-pii")
    assert "b@x" in shop.told
    shop.orc("diff", "-s", "orders", "--against", "prod", "--format", "json")
    (said,) = json.loads(shop.told)
    assert (said["node"], said["how"], said["differs"], said["added"]) == ("model.shop.orders", "exact", True, 1)


def test_orc_diff_against_a_table_and_without_a_difference(shop: Shop) -> None:
    two_targets(shop).write({"models/orders.sql": ORDERS, "models/twin.sql": "select * from orders"})
    shop.orc("run")
    shop.orc("diff", "twin", "--against-relation", "orders", "--exit-code")
    assert "identical: 2 rows" in shop.told


def test_what_another_target_has_not_built_is_not_compared(shop: Shop) -> None:
    two_targets(shop).write({"models/orders.sql": ORDERS})
    shop.orc("run")
    shop.orc("diff", "orders", "--against", "prod", code=1)
    assert "not compared" in shop.told


def test_targets_that_build_in_one_place_are_not_compared(shop: Shop) -> None:
    two_targets(shop, shop.target.schema).write({"models/orders.sql": ORDERS})
    shop.orc("diff", "orders", "--against", "prod", code=2)
    assert "U051" in shop.told


def test_a_key_that_is_not_there_is_an_error(shop: Shop) -> None:
    two_targets(shop).write({"models/orders.sql": ORDERS})
    shop.orc("run", "-t", "prod")
    shop.orc("run")
    shop.orc("diff", "orders", "--against", "prod", "--on", "nope", code=2)
    assert "U052" in shop.told
    shop.orc("diff", "orders", code=2)
    assert "U050" in shop.told
