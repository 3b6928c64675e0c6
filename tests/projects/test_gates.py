"""Nothing bad is published: tests are gates between build and swap."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects.conftest import Make

SHOP = {
    "dbt_project.yml": "name: shop\n",
    "seeds/raw.csv": "id,amount\n1,10\n2,20\n",
    "models/orders.sql": "{{ config(materialized='table') }} select id, amount from raw",
    "models/report.sql": "select sum(amount) as total from orders",
    "models/deep.sql": "select total from report",
    "models/sibling.sql": "{{ config(materialized='table') }} select count(*) as n from raw",
    "models/s.yml": "version: 2\nmodels:\n  - name: orders\n    columns:\n      - name: id\n        tests: [unique, not_null]\n      - name: amount\n        tests: [not_null]\n",
}


def test_a_failed_test_keeps_the_old_table_and_shows_the_new_rows(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.write({"seeds/raw.csv": "id,amount\n1,11\n1,12\n3,\n"})
    done = p.orc("build").exits(1)
    assert p.query("select * from orders order by id") == [(1, 10), (2, 20)]
    assert p.query("select total from deep") == [(30,)]
    assert p.query("select n from sibling") == [(3,)]
    assert p.query("select id, amount from orders__orc_stage order by all") == [(1, 11), (1, 12), (3, None)]
    assert done.statuses == {
        "raw": "success",
        "sibling": "success",
        "orders": "error",
        "unique_orders_id": "fail",
        "not_null_orders_id": "pass",
        "not_null_orders_amount": "fail",
        "report": "skipped",
        "deep": "skipped",
    }
    assert done.results["unique_orders_id"]["failures"] == 1
    assert done.messages["orders"].endswith("not published: 2 tests failed (not_null_orders_amount, unique_orders_id)")
    assert done.messages["unique_orders_id"] == "Got 1 result, configured to fail if != 0"
    assert '"orders__orc_stage"' in done.stderr
    assert "what was published before is untouched" in done.stderr
    assert "Done. PASS=3 WARN=0 ERROR=3 SKIP=2 NO-OP=0 REUSED=0 TOTAL=8" in done.stderr
    for line in (
        "FAIL 1 unique_orders_id",
        "PASS not_null_orders_id",
        "ERROR creating sql table model main.orders",
        "SKIP relation",
        "OK created sql table model main.sibling",
    ):
        assert line in done.stderr
    # the next run cleans up
    p.write({"seeds/raw.csv": "id,amount\n7,70\n"})
    p.orc("build").exits(0)
    assert p.query("select * from orders") == [(7, 70)]
    assert "main.orders__orc_stage" not in p.relations()


def test_a_first_build_that_fails_publishes_nothing(project: Make) -> None:
    p = project({**SHOP, "seeds/raw.csv": "id,amount\n1,10\n1,20\n"})
    p.orc("build").exits(1)
    assert sorted(p.relations()) == ["main.orders__orc_stage", "main.raw", "main.sibling"]


def test_a_view_is_gated_too(project: Make) -> None:
    p = project({**SHOP, "models/orders.sql": "select id, amount from raw where id < 3"})
    p.orc("build").exits(0)
    p.write({"models/orders.sql": "select id, amount from raw union all select 1, 1"})
    done = p.orc("run").exits(1)
    assert done.statuses["orders"] == "error"
    assert p.query("select count(*) from orders") == [(2,)]
    p.write({"models/orders.sql": "select id, amount from raw"})
    p.orc("run").exits(0)
    assert sorted(p.relations()) == ["main.deep", "main.orders", "main.raw", "main.report", "main.sibling"]


def test_a_warning_goes_on(project: Make) -> None:
    p = project({**SHOP, "seeds/raw.csv": "id,amount\n1,10\n1,20\n"})
    p.write(
        {
            "models/s.yml": "version: 2\nmodels:\n  - name: orders\n    columns:\n      - name: id\n        tests:\n          - unique: {config: {severity: warn}}\n"
        }
    )
    done = p.orc("build").exits(0)
    assert done.statuses["unique_orders_id"] == "warn"
    assert done.statuses["orders"] == "success"
    assert "WARN 1 unique_orders_id" in done.stderr
    assert "WARN=1 ERROR=0" in done.stderr
    assert p.query("select total from report") == [(30,)]
    p.orc("build", "--warn-error").exits(1)


def test_thresholds_where_limit_and_fail_calc(project: Make) -> None:
    tests = """
        version: 2
        models:
          - name: orders
            columns:
              - name: id
                data_tests:
                  - not_null: {name: under, config: {error_if: "> 5", warn_if: "> 2"}}
                  - not_null: {name: between, config: {error_if: "> 5", warn_if: "> 1"}}
                  - not_null: {name: over, config: {error_if: "> 1", warn_if: "> 0", severity: error}}
                  - not_null: {name: filtered, config: {where: "amount > 100"}}
                  - not_null: {name: limited, config: {limit: 1, warn_if: "> 1", error_if: "> 1"}}
                  - not_null: {name: summed, config: {fail_calc: "sum(amount)", error_if: "> 1000", warn_if: "> 1000"}}
                  - not_null: {name: only_warns, config: {severity: warn, error_if: "> 0"}}
        """
    p = project({"models/orders.sql": "select * from (values (null, 1), (null, 2), (3, 200)) as t(id, amount)", "models/s.yml": tests})
    done = p.orc("build").exits(1)
    assert done.statuses == {
        "under": "pass",
        "between": "warn",
        "over": "fail",
        "filtered": "pass",
        "limited": "pass",
        "summed": "pass",
        "only_warns": "warn",
        "orders": "error",
    }
    assert done.results["summed"]["failures"] == 3
    assert done.messages["between"] == "Got 2 results, configured to warn if > 1"


def test_a_relationship_holds_back_the_child(project: Make) -> None:
    p = project(
        {
            "models/people.sql": "{{ config(materialized='table') }} select 1 as id",
            "models/orders.sql": "{{ config(materialized='table') }} select 1 as person",
            "models/report.sql": "select count(*) as n from orders",
            "models/s.yml": """
                version: 2
                models:
                  - name: orders
                    columns:
                      - name: person
                        tests:
                          - relationships: {to: ref('people'), field: id}
                """,
        }
    )
    p.orc("build").exits(0)
    p.write({"models/orders.sql": "{{ config(materialized='table') }} select 2 as person"})
    done = p.orc("build").exits(1)
    assert done.statuses == {
        "people": "success",
        "orders": "error",
        "relationships_orders_person__id__ref_people_": "fail",
        "report": "skipped",
    }
    assert p.query("select person from orders") == [(1,)]


def test_a_singular_test_is_a_gate(project: Make) -> None:
    p = project({**SHOP, "tests/no_small_amounts.sql": "select * from {{ ref('orders') }} where amount < 15"})
    done = p.orc("build").exits(1)
    assert done.statuses["no_small_amounts"] == "fail"
    assert done.statuses["orders"] == "error"
    assert done.statuses["report"] == "skipped"
    assert "main.orders" not in p.relations()


def test_a_custom_generic_test_is_a_gate(project: Make) -> None:
    p = project(
        {
            **SHOP,
            "macros/even.sql": "{% test even(model, column_name, divisor=2) %} select * from {{ model }} where {{ column_name }} % {{ divisor }} <> 0 {% endtest %}",
            "models/s.yml": "version: 2\nmodels:\n  - name: orders\n    columns:\n      - name: amount\n        tests:\n          - even\n          - even: {arguments: {divisor: 20}}\n",
        }
    )
    done = p.orc("build").exits(1)
    assert done.statuses["even_orders_amount"] == "pass"
    assert done.statuses["even_orders_amount__20"] == "fail"
    assert "main.orders" not in p.relations()


def test_a_test_of_an_ephemeral_model_holds_back_its_readers(project: Make) -> None:
    p = project(
        {
            **SHOP,
            "models/orders.sql": "{{ config(materialized='ephemeral') }} select id, amount from raw",
            "seeds/raw.csv": "id,amount\n1,10\n1,20\n",
        }
    )
    done = p.orc("build").exits(1)
    assert done.statuses["unique_orders_id"] == "fail"
    assert done.statuses["report"] == "skipped"
    assert sorted(p.relations()) == ["main.raw", "main.sibling"]


def test_a_seed_is_gated(project: Make) -> None:
    p = project({**SHOP, "seeds/s.yml": "version: 2\nseeds:\n  - name: raw\n    columns:\n      - name: id\n        tests: [unique]\n"})
    p.orc("build").exits(0)
    p.write({"seeds/raw.csv": "id,amount\n1,1\n1,1\n"})
    done = p.orc("build").exits(1)
    assert done.statuses["unique_raw_id"] == "fail"
    assert {done.statuses[n] for n in ("orders", "report", "deep", "sibling")} == {"skipped"}
    assert p.query("select id from raw order by id") == [(1,), (2,)]


INCREMENTAL = {
    "dbt_project.yml": "name: shop\n",
    "seeds/raw.csv": "id,day\n1,1\n2,2\n",
    "models/events.sql": """
        {{ config(materialized='incremental') }}
        select id, day from raw {% if is_incremental() %} where day > (select max(day) from {{ this }}) {% endif %}
        """,
    "models/s.yml": "version: 2\nmodels:\n  - name: events\n    columns:\n      - name: id\n        tests: [unique, not_null]\n",
}


def test_a_bad_delta_leaves_an_incremental_table_untouched(project: Make) -> None:
    p = project(INCREMENTAL)
    p.orc("build").exits(0)
    p.write({"seeds/raw.csv": "id,day\n3,3\n,4\n"})
    done = p.orc("build").exits(1)
    assert done.statuses["not_null_events_id"] == "fail"
    assert p.query("select * from events order by id") == [(1, 1), (2, 2)]
    assert p.query("select * from events__orc_stage order by day") == [(3, 3), (None, 4)]


def test_what_only_the_whole_table_can_show_is_checked_before_commit(project: Make) -> None:
    p = project(INCREMENTAL)
    p.orc("build").exits(0)
    p.write({"seeds/raw.csv": "id,day\n1,3\n"})
    done = p.orc("build").exits(1)
    assert done.statuses == {"raw": "success", "events": "error", "unique_events_id": "fail", "not_null_events_id": "pass"}
    assert p.query("select * from events order by id") == [(1, 1), (2, 2)]
    assert p.query("select * from events__orc_stage") == [(1, 3)]
    p.write({"seeds/raw.csv": "id,day\n3,3\n"})
    p.orc("build").exits(0)
    assert p.query("select * from events order by id") == [(1, 1), (2, 2), (3, 3)]


def test_no_gates_publishes_first(project: Make) -> None:
    p = project({**SHOP, "seeds/raw.csv": "id,amount\n1,10\n1,20\n"})
    done = p.orc("build", "--no-gates").exits(1)
    assert done.statuses["orders"] == "success"
    assert done.statuses["unique_orders_id"] == "fail"
    assert done.statuses["report"] == "skipped"
    assert p.query("select count(*) from orders") == [(2,)]
    done = p.orc("run", "--no-gates").exits(0)
    assert done.statuses == {"orders": "success", "report": "success", "deep": "success", "sibling": "success"}


def test_run_gates_with_the_tests_of_what_it_builds(project: Make) -> None:
    p = project(SHOP)
    p.orc("seed").exits(0)
    done = p.orc("run", "-s", "orders").exits(0)
    assert done.statuses == {
        "orders": "success",
        "unique_orders_id": "pass",
        "not_null_orders_id": "pass",
        "not_null_orders_amount": "pass",
    }


def test_test_judges_what_is_published(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.change("insert into orders values (1, null)")
    done = p.orc("test").exits(1)
    assert done.statuses == {"unique_orders_id": "fail", "not_null_orders_id": "pass", "not_null_orders_amount": "fail"}
    assert "FAIL 1 unique_orders_id" in done.stderr


def test_failing_rows_are_stored_on_request(project: Make) -> None:
    p = project({**SHOP, "seeds/raw.csv": "id,amount\n1,10\n1,20\n"})
    done = p.orc("build", "--store-failures").exits(1)
    assert p.query("select unique_field, n_records from main_dbt_test__audit.unique_orders_id") == [(1, 2)]
    assert "main_dbt_test__audit" in done.stderr
    p.write({"seeds/raw.csv": "id,amount\n1,10\n"})
    p.orc("build", "--store-failures").exits(0)
    assert p.query("select count(*) from main_dbt_test__audit.unique_orders_id") == [(0,)]


def test_fail_fast_starts_nothing_more(project: Make) -> None:
    p = project({f"models/m{i}.sql": "select 1 as x" if i else "select nope" for i in range(8)})
    done = p.orc("run", "--fail-fast", "--threads", "1").exits(1)
    assert done.statuses["m0"] == "error"
    assert {done.statuses[f"m{i}"] for i in range(1, 8)} == {"skipped"}
    assert not p.relations()


def test_exclude_and_selected_descendants(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    done = p.orc("run", "-s", "orders+", "--exclude", "deep").exits(0)
    assert {n for n in done.statuses if "_" not in n} == {"orders", "report"}


def test_a_failing_model_skips_exactly_its_descendants(project: Make) -> None:
    p = project({**SHOP, "models/report.sql": "select nope from orders"})
    done = p.orc("build").exits(1)
    assert done.statuses["report"] == "error"
    assert done.statuses["deep"] == "skipped"
    assert done.statuses["sibling"] == done.statuses["orders"] == "success"


def test_a_test_whose_own_sql_is_wrong_is_the_one_to_blame(project: Make) -> None:
    p = project(
        {
            **SHOP,
            "models/s.yml": """
                version: 2
                models:
                  - name: orders
                    columns:
                      - name: id
                        tests: [unique, not_null]
                      - name: amuont
                        tests: [not_null]
                """,
        }
    )
    done = p.orc("build").exits(1)
    assert done.statuses["not_null_orders_amuont"] == "error"
    assert done.statuses["orders"] == "error"
    assert "not_null_orders_amuont" in done.messages["orders"]
    assert "models/s.yml:8" in done.stderr
    assert "did you mean `amount`?" in done.stderr
    assert "main.orders" not in p.relations()
