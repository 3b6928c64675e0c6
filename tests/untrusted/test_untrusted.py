"""What a pull request of a stranger may contain, and what becomes of it: each attack through the real caged process."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.execute.cage.bounds import MEGABYTE
from tests.untrusted.conftest import CANARY, GOOD, Stranger, called, codes


def test_a_harmless_pull_request_is_judged(stranger: Stranger) -> None:
    base = {"models/orders.sql": "select 1 as id, 2 as amount", "models/revenue.sql": "select sum(amount) as total from orders"}
    found = stranger.opens({**base, "models/orders.sql": "select 1 as id, 3 as amount"}, base)
    assert [(n.name, n.what, [c.category for c in n.changes]) for n in found.nodes] == [
        ("orders", "modified", ["expression changed"]),
        ("revenue", "affected", []),
    ]
    assert found.passes
    assert "not trusted" in found.production
    assert not any(n.rebuilt for n in found.nodes)


def test_a_column_that_somebody_reads_is_missed(stranger: Stranger) -> None:
    base = {"models/orders.sql": "select 1 as id, 2 as amount", "models/revenue.sql": "select sum(amount) as total\nfrom orders"}
    found = stranger.opens({**base, "models/orders.sql": "select 1 as id"}, base)
    assert [(p.code, str(p.span)) for p in found.blocking] == [("U063", "models/revenue.sql:1:12")]


# Templates ---------------------------------------------------------------------------------------------------------------------------

ENDLESS = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %} select 1 as id"
DOUBLED = "{% set n = namespace(x='a' * 1000) %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %} select 1 as id"


def test_loops_without_end_are_stopped_by_the_clock_of_the_processor(stranger: Stranger) -> None:
    found = stranger.opens({"models/orders.sql": ENDLESS})
    assert codes(found) == {"U070"}
    assert "computed longer than 3 seconds" in found.blocking[0].message


def test_text_that_doubles_is_stopped_by_memory(stranger: Stranger) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = stranger.opens({"models/orders.sql": DOUBLED})
    assert [(p.code, str(p.span)) for p in found.blocking] == [("R019", "models/orders.sql:1:1")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "the parent grew with it"


def test_macros_that_call_two_of_each_other_are_stopped(stranger: Stranger) -> None:
    macros = "".join(f"{{% macro m{i}() %}}{{{{ m{i + 1}() }}}}{{{{ m{i + 1}() }}}}{{% endmacro %}}\n" for i in range(60))
    found = stranger.opens({"models/orders.sql": "select 1 as id {{ m0() }}", "macros/m.sql": macros + "{% macro m60() %}{% endmacro %}"})
    assert codes(found) == {"U070"}


def test_a_macro_that_calls_itself_is_an_error(stranger: Stranger) -> None:
    found = stranger.opens({"models/orders.sql": "select {{ m() }}", "macros/m.sql": "{% macro m() %}{{ m() }}{% endmacro %}"})
    assert not found.passes


def test_memory_that_nobody_catches(stranger: Stranger) -> None:
    bounds = replace(stranger.options.bounds, memory=256 * MEGABYTE, cpu=30)
    found = stranger.opens({**GOOD, "models/a.yml": "version: 2\nmodels: [" + "{name: a}," * 1_000_000 + "]"}, bounds=bounds)
    assert codes(found) == {"U070"}
    assert "more memory than 256 MB" in found.blocking[0].message


def test_a_loop_that_waits_is_stopped_by_the_clock_on_the_wall(stranger: Stranger) -> None:
    bounds = replace(stranger.options.bounds, seconds=1.5, cpu=60)
    found = stranger.opens({"models/orders.sql": ENDLESS}, bounds=bounds)
    assert "ran longer than 1.5 seconds" in found.blocking[0].message
    assert found.seconds < 12


def test_a_report_that_is_too_large(stranger: Stranger) -> None:
    found = stranger.opens({f"models/m{i}.sql": "select 1 as id" for i in range(40)}, bounds=replace(stranger.options.bounds, answer=2_000))
    assert [p.code for p in found.blocking] == ["U070"]
    assert "its report is larger" in found.blocking[0].message


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ 10 ** 10 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>10000000000}'.format(1) }}",
        "{{ 'x' | center(10 ** 10) }}",
        "{{ 'x' | indent(10 ** 10) }}",
        "{{ ['x' * 9999999] * 9999999 }}",
        "{{ modules.re.match('(a+)+$', 'a' * 60 ~ '!') }}",
        "{{ ('a' * 5000000) | wordwrap(1) | list | length }}",
        "{{ '{' * 5000 }}{% set x = " + "[" * 3000 + "]" * 3000 + " %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% if 1 %}" * 3000,
        "{{ " + "not " * 30000 + "1 }}",
    ],
)
def test_bombs_of_one_expression(template: str, stranger: Stranger) -> None:
    found = stranger.opens({"models/orders.sql": f"{template} select 1 as id"})
    assert not found.passes


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__base__.__subclasses__() }}",
    "{{ ref.__globals__ }}",
    "{{ ref.__init__.__globals__['__builtins__']['open']('CANARY').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ config | attr('__class__') }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__.__mro__}' | format(1) }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ ([ref] | map(attribute='__globals__') | first).os }}",
    "{{ modules.datetime.sys.modules }}",
    "{{ modules.re.enum.sys.modules['os'].environ }}",
    "{{ env_var('ORC_SECRET_CANARY') }}",
    "{{ env_var('GITHUB_TOKEN') }}",
    "{{ secret('CANARY') }}",
    "{{ var.__self__ }}",
    "{% include 'CANARY' %}",
    "{% import 'CANARY' as x %}{{ x }}",
    "{% extends 'CANARY' %}",
    "{{ dict.mro() }}",
    "{{ lipsum.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__.os.popen('cat CANARY').read() }}",
]


def test_ways_out_of_the_template(stranger: Stranger) -> None:
    """Each is an error at its own place: none was taken."""
    models = {f"models/m{i}.sql": f"select '{t.replace('CANARY', str(stranger.canary))}' as id" for i, t in enumerate(ESCAPES)}
    found = stranger.opens(models)
    assert {p.code[0] for p in found.blocking} == {"R"}
    assert {p.span.path for p in found.blocking if p.span is not None} == set(models)


def test_variables_are_seen_by_name_only(stranger: Stranger) -> None:
    stranger.env |= {"REGION": "region_eu", "PLAIN": "plain_text"}
    base = {"models/orders.sql": "select 1 as id"}
    seen = stranger.opens({"models/orders.sql": "select 1 as {{ env_var('REGION') }}"}, base, allowed=("REGION", "ORC_SECRET_CANARY"))
    assert ("column added", "region_eu") in {(c.category, c.column) for n in seen.nodes for c in n.changes} or "region_eu" in repr(seen)
    unseen = stranger.opens({"models/orders.sql": "select 1 as {{ env_var('PLAIN') }}"}, base, allowed=("REGION",))
    assert not unseen.passes
    assert "plain_text" not in repr(unseen)


# YAML, TOML, CSV, Python ---------------------------------------------------------------------------------------------------------------

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))


@pytest.mark.parametrize("path", ["models/a.yml", "dbt_project.yml", "selectors.yml"])
def test_laughs_by_the_billion(path: str, stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, path: LAUGHS}, {**GOOD, **({path: "name: shop\n"} if path == "dbt_project.yml" else {})})
    assert "C109" in codes(found), found.blocking


def test_yaml_that_a_template_reads_laughs_too(stranger: Stranger) -> None:
    text = LAUGHS.replace("\n", "\\n")
    found = stranger.opens({"models/orders.sql": f"select 1 as id -- {{{{ tojson(fromyaml('{text}')) }}}}"})
    assert not found.passes


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models/a.yml", "[" * 100_000),
        ("models/a.yml", "{a: " * 100_000),
        ("models/a.yml", "".join(" " * i + f"k{i}:\n" for i in range(300))),
        ("pyproject.toml", "[tool.orchestrator]\nname = 'shop'\nvars = " + "[" * 50_000),
        ("pyproject.toml", "[tool.orchestrator.vars." + ".".join("a" * 50_000) + "]\nx = 1\n"),
        ("models/p.py", "def model(ctx):\n    return " + "(" * 50_000),
        ("models/p.py", "def model(ctx):\n    return " + "-" * 200_000 + "1"),
        ("models/a.yml", "version: 2\nmodels: [{name: orders, description: '{{ " + "(" * 4000 + "'}]"),
        ("models/a.yml", b"\xff\xfe\x00\x00"),
        ("models/bad.sql", b"select '\xff' as x"),
        ("models/bad.sql", b"select 1 as x\x00; select 2"),
    ],
)
def test_files_that_no_parser_likes(path: str, text: str | bytes, stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, path: text})
    assert not found.passes
    assert "U071" not in codes(found), found.blocking


def test_a_huge_file_is_not_read(stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, "models/big.yml": b"#" * (21 << 20)})
    assert codes(found) == {"U070"}
    assert "`models/big.yml` has more than 20 MB" in found.blocking[0].message


def test_a_seed_with_one_huge_field(stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, "seeds/s.csv": b'"' + b"x" * (10 << 20)})
    assert [n.name for n in found.nodes] == ["s"]


def test_a_python_model_is_read_and_never_run(stranger: Stranger) -> None:
    marker = stranger.outside / "was-here"
    code = f"import pathlib\npathlib.Path({str(marker)!r}).write_text('x')\ndef model(ctx):\n    return ctx.ref('orders').df\n"
    found = stranger.opens({**GOOD, "models/evil.py": code})
    assert [(n.name, n.what) for n in found.nodes] == [("evil", "added")]
    assert not marker.exists()


# SQL -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 100_000 + "1" + ")" * 100_000 + " as id",
        "select " + "case when 1=1 then " * 3000 + "1" + " end" * 3000 + " as id",
        "select " + "not " * 50_000 + "true as id",
        "select " + "- " * 50_000 + "1 as id",
        "select " + " + ".join(["1"] * 50_000) + " as id",
        "select " + "a." * 50_000 + "b as id",
        "select " + "[" * 20_000 + "]" * 20_000 + " as id",
        "select 1 as id where 1 in (" + ",".join(map(str, range(300_000))) + ")",
        "with " + ",".join(f"c{i} as (select 1 as id)" for i in range(50_000)) + " select * from c0",
        "select 1 as id" + " union all select 1" * 20_000,
        "select * from " + "(select * from " * 5000 + "orders" + ")" * 5000,
        "select 1::" + "struct<a " * 5000 + "int" + ">" * 5000 + " as id",
        "select '" + "x" * 5_000_000,
        "/*" * 50_000 + " select 1 as id",
    ],
    ids=lambda sql: sql[:24],
)
def test_sql_that_is_too_much(sql: str, stranger: Stranger) -> None:
    """An error, a limit, or simply understood: but always an answer."""
    found = stranger.opens({"models/bomb.sql": sql, **GOOD})
    assert found.blocking or [n.name for n in found.nodes] == ["bomb"]


# Paths ---------------------------------------------------------------------------------------------------------------------------------


def test_a_link_to_a_file_outside(stranger: Stranger) -> None:
    found = stranger.opens(GOOD, prepare=lambda root: (root / "models/evil.sql").symlink_to(stranger.canary))
    assert codes(found) == {"C503"}


def test_a_link_to_a_folder_outside(stranger: Stranger) -> None:
    found = stranger.opens(GOOD, prepare=lambda root: (root / "models/evil").symlink_to(stranger.outside))
    assert codes(found) == {"C503"}


@pytest.mark.parametrize("name", ["pyproject.toml", "dbt_project.yml", "profiles.yml", "selectors.yml", "packages.yml"])
def test_a_link_in_place_of_a_settings_file(name: str, stranger: Stranger) -> None:
    stranger.opens(GOOD, prepare=lambda root: (root / name).symlink_to(stranger.canary))


def test_a_seed_that_leads_outside(stranger: Stranger) -> None:
    def link(root: Path) -> None:
        (root / "seeds").mkdir()
        (root / "seeds/s.csv").symlink_to(stranger.outside / "canary.csv")

    assert codes(stranger.opens(GOOD, prepare=link)) == {"C503"}


@pytest.mark.parametrize("folder", ["../../../outside", "/", "models/../../../outside"])
def test_folders_outside(folder: str, stranger: Stranger) -> None:
    keys = ["model-paths", "seed-paths", "macro-paths", "snapshot-paths", "analysis-paths", "test-paths"]
    lines = [f"{key} = ['models', '{folder}{i}']" for i, key in enumerate(keys)]
    found = stranger.opens({**GOOD, "pyproject.toml": "\n".join(["[tool.orchestrator]", "name = 'shop'", *lines])})
    assert [p.code for p in found.blocking] == ["C503"] * len(keys)


@pytest.mark.parametrize("key", ["target-path", "log-path", "docs-paths", "packages-install-path"])
@pytest.mark.parametrize("value", ["'/'", "'../../..'"])
def test_places_to_write_that_are_outside(key: str, value: str, stranger: Stranger) -> None:
    stranger.opens({**GOOD, "dbt_project.yml": f"name: shop\n{key}: {value}\n"}, {**GOOD, "dbt_project.yml": "name: shop\n"})


@pytest.mark.parametrize("key", ["alias", "schema", "database"])
def test_relations_with_names_that_lead_elsewhere(key: str, stranger: Stranger) -> None:
    found = stranger.opens({"models/orders.sql": f"{{{{ config({key}='../../../outside/x') }}}} select 1 as id"})
    assert [n.name for n in found.nodes] in ([], ["orders"])


def test_names_of_files_that_steer_terminals_and_servers(stranger: Stranger) -> None:
    found = stranger.opens({**GOOD, "models/a\x1b[31m\n::set-output name=x::y.sql": "select 1 as x"})
    assert "\x1b" not in repr(found.blocking) + "".join(p.message for p in found.blocking)
    assert not found.passes


def test_texts_that_steer_terminals_and_servers(stranger: Stranger) -> None:
    raised = "{{ exceptions.raise_compiler_error('x\\n::stop-commands::me\\n ::error::y\\n##[group]z\\u001b[2J') }}"
    found = stranger.opens({"models/orders.sql": raised})
    told = "\n".join(p.message for p in found.blocking)
    assert "stop-commands" in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())
    assert "##[" not in told
    assert "\x1b" not in told


# Secrets -------------------------------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_environment_of_the_process(stranger: Stranger) -> None:
    """Looked at from outside, while it runs: what a template would find if it got out."""
    seen: list[bytes] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for status in Path("/proc").glob("[0-9]*/status"):
                with contextlib.suppress(OSError):
                    if f"PPid:\t{os.getpid()}\n" in status.read_text() and b"sandboxed" in (status.parent / "cmdline").read_bytes():
                        seen.append((status.parent / "environ").read_bytes())
            time.sleep(0.02)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        stranger.opens({"models/orders.sql": ENDLESS}, bounds=replace(stranger.options.bounds, seconds=2))
    finally:
        done.set()
        watcher.join()
    if not seen:
        pytest.skip("looking at another process's environment takes more rights than we have here")
    assert not any(CANARY.encode() in environment for environment in seen)
    assert all(environment in (b"", b"LC_ALL=C.UTF-8\0PYTHONHASHSEED=0\0") for environment in seen)


# Warehouse and network -----------------------------------------------------------------------------------------------------------------


def test_no_warehouse_is_called_and_no_secret_of_a_profile_is_there(stranger: Stranger, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    output = f"{{type: postgres, host: 127.0.0.1, port: {port}, user: orc, password: {CANARY}, dbname: shop, schema: public}}"
    hooks = "name: shop\nprofile: shop\non-run-start: [\"{{ run_query('select 1') }}\"]\n"
    base = {
        **GOOD,
        "dbt_project.yml": "name: shop\nprofile: shop\n",
        "profiles.yml": f"shop: {{target: dev, outputs: {{dev: {output}}}}}\n",
    }
    late = "{% if execute %}{% do run_query('select 1') %}{% endif %}select 1 as id, '{{ target.password }}{{ target.host }}' as x"
    found = stranger.opens({**base, "dbt_project.yml": hooks, "models/orders.sql": late}, base)
    assert found.engine in ("postgres", "")
    assert not called(listener)


def test_the_profile_of_the_pull_request_is_not_looked_at(stranger: Stranger) -> None:
    theirs = "shop: {target: x, outputs: {x: {type: duckdb, path: \"{{ env_var('ORC_SECRET_CANARY') }}.duckdb\"}}}\n"
    found = stranger.opens({**GOOD, "profiles.yml": theirs})
    assert found.engine == "duckdb"
    assert found.target == "dev"


def test_an_engine_without_a_profile(stranger: Stranger) -> None:
    settings = {"dbt_project.yml": "name: shop\nprofile: shop\n"}
    found = stranger.opens({**GOOD, **settings}, {**GOOD, **settings}, engine="bigquery", target="prod")
    assert (found.engine, found.target, found.blocking) == ("bigquery", "prod", ())
