"""Write a realistic project of any size, valid for dbt-core 1.11 and for orc alike.

    python benchmarks/generate.py OUT --models 1000 --seed 7
    python benchmarks/generate.py OUT --models 1000 --seed 7 --plain   # no Jinja, plain table names: for orc only

Same arguments, same bytes. A quarter of the models are staging views over eight source tables, nearly half are
intermediate, the rest are marts (tables). A model has three or four CTEs, joins, window functions and about 17 columns,
all of them listed in the properties files, and 2.25 data tests on average. A fifth of the models use Jinja loops and
macros; ``--plain`` writes what they expand to. ``setup.sql`` creates the source tables; ``--load`` runs it.
"""

from __future__ import annotations

import argparse
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from model import DOUBLE, RATIO, Model, Spelling, intermediate, mart, staging
from shop import STATUSES, TABLES, TOPICS, describe, setup, sources

STAGING, INTERMEDIATE = 0.25, 0.45
WITH_JINJA = 0.2
WITH_THIRD_TEST = 0.25
MODELS_PER_PROPERTIES_FILE = 25
# Deeper chains of sums would only grow the numbers; real projects are rarely deeper.
MOST_LEVELS = 9

PROJECT = """\
name: bench
version: "1.0.0"
profile: bench
model-paths: [models]
macro-paths: [macros]
test-paths: [tests]
seed-paths: [seeds]
flags:
  send_anonymous_usage_stats: false
  require_generic_test_arguments_property: true
models:
  bench:
    staging:
      +materialized: view
      +schema: staging
    intermediate:
      +materialized: table
      +schema: intermediate
    marts:
      +materialized: table
      +schema: marts
"""

MACROS = """\
{% macro ratio(above, below) -%}
RATIO
{%- endmacro %}

{% macro clean(column) -%}
lower(trim({{ column }}))
{%- endmacro %}

{% macro split_by(column, values, measure, prefix) -%}
{%- for value in values %}
        sum(case when {{ column }} = '{{ value }}' then {{ measure }} else 0 end) as {{ prefix }}_{{ value }},
{%- endfor %}
{%- endmacro %}
"""


POSTGRES_PROFILE = """\
bench:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{{ env_var('PGHOST') }}"
      port: 5432
      user: postgres
      password: ""
      dbname: "{{ env_var('PGDATABASE') }}"
      schema: main
      threads: 4
"""


def fan_in(rng: random.Random) -> int:
    """How many models one reads; with the single source of a staging model the mean is about 2.35."""
    return rng.choices((1, 2, 3, 4, 5), weights=(10, 32, 33, 18, 7))[0]


def models(count: int, seed: int, *, plain: bool, engine: str = "duckdb") -> list[Model]:
    """The project's models, parents first."""
    rng = random.Random(seed)
    n_staging = max(1, round(count * STAGING))
    n_intermediate = round(count * INTERMEDIATE)
    made: list[Model] = []
    for index in range(count):
        spell = Spelling(plain, macros=rng.random() < WITH_JINJA and not plain, engine=engine)
        if index < n_staging:
            table = TABLES[index % len(TABLES)]
            model = staging(rng, f"stg_{table.entity}s_{index:04}", table, spell)
        elif index < n_staging + n_intermediate:
            # A view over views over views is planned again by each reader: one level of them, as people do by hand.
            view = rng.random() < 1 / 3
            pool = [m for m in made if m.level < MOST_LEVELS and (m.layer == "staging" or not (view and m.view))]
            parents = sample(rng, pool, fan_in(rng))
            model = intermediate(rng, f"int_{parents[0].entity}s_{rng.choice(TOPICS)}_{index:04}", parents, view, spell)
        else:
            pool = [m for m in made if m.layer != "marts"] + [m for m in made if m.layer == "marts" and m.level < MOST_LEVELS][-20:]
            parents = sample(rng, pool, fan_in(rng))
            model = mart(rng, f"mart_{parents[0].entity}s_{rng.choice(TOPICS)}_{index:04}", parents, spell)
        if rng.random() < WITH_THIRD_TEST:
            model.third_test = "accepted_values" if index < n_staging or rng.random() < 0.5 else "relationships"
        made.append(model)
    return made


def sample(rng: random.Random, pool: list[Model], wanted: int) -> list[Model]:
    """Parents, different ones, the younger half of the pool three times as likely: real graphs are deep as well as wide."""
    half = len(pool) // 2
    found: dict[str, Model] = {}
    while len(found) < min(wanted, len(pool)):
        chosen = rng.choice(pool[half:] if rng.random() < 0.6 else pool)
        found[chosen.name] = chosen
    return list(found.values())


def entry(model: Model, *, plain: bool) -> list[str]:
    """One model's entry of a properties file."""
    lines = [f"  - name: {model.name}", f"    description: One row per {model.entity}, {model.layer} layer"]
    if plain and model.view and model.layer != "staging":
        lines += ["    config:", "      materialized: view"]
    lines.append("    columns:")
    for column in model.columns:
        lines += [f"      - name: {column}", f"        description: {describe(column, model.entity)}"]
        if column == model.key:
            lines += ["        data_tests:", "          - unique", "          - not_null"]
        if column == "status" and model.third_test == "accepted_values":
            values = ", ".join(STATUSES)
            lines += ["        data_tests:", "          - accepted_values:", "              arguments:"]
            lines += [f"                values: [{values}]"]
        if column == "account_id" and model.third_test == "relationships":
            lines += ["        data_tests:", "          - relationships:", "              arguments:"]
            lines += [f"                to: ref('{model.parents[0]}')", "                field: account_id"]
    return lines


def properties(made: Sequence[Model], *, plain: bool) -> dict[str, str]:
    """The properties files: at most 25 models each, beside the models they describe."""
    folders: dict[str, list[Model]] = {}
    for model in made:
        folders.setdefault(model.path.rsplit("/", 1)[0], []).append(model)
    files = {}
    for folder, inside in folders.items():
        for start in range(0, len(inside), MODELS_PER_PROPERTIES_FILE):
            lines = ["version: 2", "", "models:"]
            for model in inside[start : start + MODELS_PER_PROPERTIES_FILE]:
                lines += entry(model, plain=plain)
            files[f"{folder}/_schema_{start // MODELS_PER_PROPERTIES_FILE + 1:02}.yml"] = "\n".join(lines) + "\n"
    return files


def profiles(out: Path, engine: str) -> str:
    if engine == "postgres":
        return POSTGRES_PROFILE
    path = (out / "warehouse.duckdb").resolve().as_posix()
    return f"bench:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: {path}\n      schema: main\n      threads: 4\n"


def files(out: Path, count: int, seed: int, *, plain: bool, engine: str = "duckdb") -> dict[str, str]:
    """The whole project, text by path."""
    made = models(count, seed, plain=plain, engine=engine)
    return {
        "dbt_project.yml": PROJECT,
        "profiles.yml": profiles(out, engine),
        "setup.sql": setup(seed, DOUBLE[engine]),
        "macros/shop.sql": MACROS.replace("RATIO", RATIO[engine]),
        "models/staging/_sources.yml": sources(),
        **{m.path: m.sql for m in made},
        **properties(made, plain=plain),
    }


def load(out: Path) -> None:
    """Create the source tables in the project's database file (needs the duckdb package)."""
    import duckdb

    with duckdb.connect(str(out / "warehouse.duckdb")) as connection:
        connection.execute((out / "setup.sql").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write; its models/ and macros/ are replaced")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--engine", choices=["duckdb", "postgres"], default="duckdb")
    parser.add_argument("--plain", action="store_true", help="plain table names, no Jinja: for orc only")
    parser.add_argument("--load", action="store_true", help="also run setup.sql (needs duckdb)")
    arguments = parser.parse_args()
    for folder in ("models", "macros"):
        shutil.rmtree(arguments.out / folder, ignore_errors=True)
    written = files(arguments.out, arguments.models, arguments.seed, plain=arguments.plain, engine=arguments.engine)
    for path, text in written.items():
        (arguments.out / path).parent.mkdir(parents=True, exist_ok=True)
        (arguments.out / path).write_text(text, encoding="utf-8")
    if arguments.load:
        load(arguments.out)
    print(f"{arguments.models} models in {len(written)} files: {arguments.out}")


if __name__ == "__main__":
    main()
