"""``query-comment`` and ``sql_header``: what is sent beside a model's own text, without moving the places of its errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.project import OWN, Make

DBT = "name: shop\nversion: '1'\nprofile: shop\n%s"
ASKS = "{{ config(materialized='table') }} select current_query() as q"
BAD = "{{ config(materialized='table') }}\nselect 1 as a,\n  nope as b from (select 1 as x) t"


def sent(project: Any) -> str:
    """What the engine says it was sent. DuckDB keeps silent about what stands in front of a statement."""
    return str(project.query("select q from {t}")[0][0])


def begins(project: Any, comment: str) -> bool:
    return project.engine == "duckdb" or sent(project).startswith(comment)


@pytest.mark.never("bigquery", reason="a query cannot ask for its own text there")
def test_an_own_project_says_nothing_unless_it_wants_to(project: Make) -> None:
    made = project({"models/t.sql": ASKS})
    made.orc("run")
    assert "/*" not in sent(made)
    made.write({"pyproject.toml": f"{OWN}query-comment = 'nightly'\n"})
    made.orc("run")
    assert begins(made, "/* nightly */\n")
    made.write({"pyproject.toml": f"{OWN}query-comment = {{comment = 'nightly', append = true}}\n"})
    made.orc("run")
    assert sent(made).endswith("\n/* nightly */")


@pytest.mark.never("bigquery", reason="a query cannot ask for its own text there")
def test_a_dbt_project_names_node_and_target(project: Make) -> None:
    made = project({"dbt_project.yml": DBT % "query-comment: {append: true}\n", "models/t.sql": ASKS})
    made.orc("run")
    said = json.loads(sent(made).removesuffix("*/").rpartition("/*")[2])
    assert (said["node_id"], said["target_name"], said["profile_name"]) == ("model.shop.t", "dev", "shop")
    made.write({"dbt_project.yml": DBT % ""})
    made.orc("run")
    assert begins(made, "/* {")
    made.write({"dbt_project.yml": DBT % "query-comment: null\n"})
    made.orc("run")
    assert "/*" not in sent(made)


@pytest.mark.never("bigquery", reason="a query cannot ask for its own text there")
@pytest.mark.parametrize(
    ("configured", "wanted"),
    [
        ("query-comment: plain words\n", "/* plain words */"),
        ('query-comment: "{{ about(node) }}"\n', "/* about t on dev */"),
        ("query-comment: \"{{ return(tojson({'id': node.unique_id})) }}\"\n", '/* {"id": "model.shop.t"} */'),
    ],
    ids=["text", "macro", "return"],
)
@pytest.mark.parametrize("append", [False, True], ids=["before", "behind"])
def test_comments_are_texts_or_templates(project: Make, configured: str, wanted: str, *, append: bool) -> None:
    if append:
        configured = configured.replace("query-comment: ", "query-comment:\n  append: true\n  comment: ")
    macro = "{% macro about(node) %}about {{ node.name if node else 'nothing' }} on {{ target.name }}{% endmacro %}"
    made = project({"dbt_project.yml": DBT % configured, "macros/m.sql": macro, "models/t.sql": ASKS + "  -- the end"})
    if "node.unique_id" in configured:
        made.write({"dbt_project.yml": DBT % configured.replace("node.unique_id", "node.unique_id if node else 0")})
    made.orc("run")
    assert sent(made).endswith(f"\n{wanted}") if append else begins(made, f"{wanted}\n")
    made.write({"models/t.sql": BAD})
    made.orc("run", code=1)
    assert "models/t.sql:3:3" in made.told


@pytest.mark.parametrize("comment", ["ends */ early", "{{ no_such_macro() }}", "[a, list]"])
def test_what_cannot_be_a_comment_stops_before_anything_runs(project: Make, comment: str) -> None:
    quoted = comment if comment.startswith("[") else json.dumps(comment)
    made = project({"dbt_project.yml": DBT % f"query-comment: {quoted}\n", "models/t.sql": ASKS})
    made.orc("run", code=2)
    assert made.find("t") is None


@pytest.mark.never("bigquery", reason="a query cannot ask for its own text there")
def test_a_secret_in_a_comment_is_masked(project: Make) -> None:
    made = project(
        {
            "dbt_project.yml": DBT % "query-comment: {append: true, comment: by swordfish}\n",
            "models/t.sql": ASKS,
        }
    )
    made.environment["ORC_SECRET_WORD"] = "swordfish"
    made.orc("run")
    assert "swordfish" not in sent(made)
    assert sent(made).endswith("/* by **** */")


HEADERS = {
    "duckdb": ("create or replace temp macro of_the_header(x) as x + 41;", "of_the_header(1)", 42),
    "postgres": ("set session time zone 'Asia/Kolkata';", "current_setting('timezone')", "Asia/Kolkata"),
}


@pytest.mark.notyet("bigquery", reason="a header is a statement of its own there, not a part of the model's script")
@pytest.mark.parametrize("kind", ["table", "view", "incremental"])
@pytest.mark.parametrize("contract", [False, True], ids=["free", "contract"])
def test_a_header_comes_before_the_model_on_its_session(project: Make, kind: str, *, contract: bool) -> None:
    made = project({})
    header, asks, wanted = HEADERS[made.engine]
    if kind == "view":
        wanted_now: Any = None  # a view keeps the call, not its result
    else:
        wanted_now = wanted
    set_it = f"{{% call set_sql_header(config) %}}\n{header}\n{{%- endcall %}}\n"
    files = {"models/t.sql": f"{{{{ config(materialized='{kind}') }}}}\n{set_it}select {asks} as a"}
    if contract:
        type_ = "int" if isinstance(wanted, int) else "text"
        files["models/t.yml"] = (
            f"models: [{{name: t, config: {{contract: {{enforced: true}}}}, columns: [{{name: a, data_type: {type_}}}]}}]\n"
        )
    if kind == "view" and made.engine == "duckdb":
        pytest.skip("DuckDB's views cannot call what ends with the session")
    made.write(files).orc("run")
    assert made.find("t") is not None
    if wanted_now is not None:
        assert made.query("select a from {t}") == [(wanted,)]
    made.write({"models/t.sql": f"{set_it}{BAD}"})
    made.orc("run", code=1)
    assert "models/t.sql:6:3" in made.told
