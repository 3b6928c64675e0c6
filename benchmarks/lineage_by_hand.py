"""What lineage of a project's columns costs by other means; each way is a process of its own. ``lineage.py`` calls this.

    python lineage_by_hand.py prepare PROJECT OUT.json          # the compiled queries, and the columns of all tables
    python lineage_by_hand.py column OUT.json --every 40        # sqlglot.lineage, column by column
    python lineage_by_hand.py all OUT.json --every 5            # sqlglot.lineage(None, …): all columns of a query at once
    python lineage_by_hand.py fast OUT.json --every 5           # the same without the copies it makes for drawing
    python lineage_by_hand.py sqlmesh OUT.json FOLDER --every 10  # with the Python that SQLMesh is installed in

Each way but ``prepare`` looks at one model in ``--every`` and prints JSON: the CPU seconds that this took (``sampled``: without the
start of the process, without loading), how many models and columns these were, and what ``loading`` took, which all models share.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def prepare(project: Path, out: Path) -> None:
    """Queries as orc would send them, and a nested mapping of every table's columns: what the other ways are given for free."""
    from datetime import UTC, datetime

    from orchestrator.app.artifacts import compiled_sql
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.app.invocation import Invocation
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli.wire import SystemClock
    from orchestrator.plan.compile import Names

    workspace = open_workspace(Invocation("bench", project, datetime.now(UTC), SystemClock(), dict(os.environ), profiles_dir=project))
    found, names = meanings(workspace), Names(workspace.graph, workspace.dialect)
    queries: list[dict[str, Any]] = []
    schema: dict[str, Any] = {}
    for id_ in workspace.graph.order:
        node = workspace.graph.nodes[id_]
        if node.kind not in ("model", "source") or node.relation is None:
            continue
        at = node.relation
        columns = {name: kind or "text" for name, kind in found[id_].shape.columns}
        schema.setdefault(at.database, {}).setdefault(at.schema, {})[at.name] = columns
        if node.kind == "model":
            sql = compiled_sql(node, names)
            queries.append({"sql": sql, "columns": list(columns), "place": [at.database, at.schema, at.name], "kind": node.materialized})
    out.write_text(json.dumps({"queries": queries, "schema": schema}), encoding="utf-8")


def by_sqlglot(given: Mapping[str, Any], every: int, way: str) -> tuple[float, int, int]:
    """CPU seconds of the loop, models and columns. The schema is made once, which is the fast way to use it."""
    from sqlglot.lineage import lineage
    from sqlglot.schema import MappingSchema

    schema = MappingSchema(given["schema"], dialect="duckdb")
    sample = given["queries"][::every]
    begun, columns = time.process_time(), 0
    for query in sample:
        match way:
            case "all":
                columns += len(lineage(None, query["sql"], schema, dialect="duckdb"))
            case "fast":
                columns += len(lineage(None, query["sql"], schema, dialect="duckdb", trim_selects=False, copy=False))
            case _:
                for column in query["columns"]:
                    lineage(column, query["sql"], schema, dialect="duckdb")
                    columns += 1
    return time.process_time() - begun, len(sample), columns


def by_sqlmesh(given: Mapping[str, Any], folder: Path, every: int) -> tuple[float, int, int, float]:
    """The same, with the project written for SQLMesh; and the seconds of loading it, which reads every query."""
    from sqlmesh import Context
    from sqlmesh.core.lineage import column_dependencies

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    (folder / "config.yaml").write_text("gateways: {local: {connection: {type: duckdb}}}\nmodel_defaults: {dialect: duckdb}\n")
    made = {tuple(q["place"]) for q in given["queries"]}
    outside = [
        {"name": f"{schema}.{table}", "columns": columns}
        for database, schemas in given["schema"].items()
        for schema, tables in schemas.items()
        for table, columns in tables.items()
        if (database, schema, table) not in made
    ]
    (folder / "external_models.yaml").write_text(json.dumps(outside))
    for query in given["queries"]:
        database, schema, table = query["place"]
        kind = "VIEW" if query["kind"] == "view" else "FULL"
        sql = query["sql"].replace(f'"{database}".', "")
        (folder / "models" / f"{table}.sql").write_text(f"MODEL (name {schema}.{table}, kind {kind});\n\n{sql}\n")
    before = sum(os.times()[:4])  # its workers count
    context = Context(paths=[str(folder)])
    loading = sum(os.times()[:4]) - before
    sample = given["queries"][::every]
    begun, columns = time.process_time(), 0
    for query in sample:
        _, schema, table = query["place"]
        for column in query["columns"]:
            column_dependencies(context, f"{schema}.{table}", column)
            columns += 1
    return time.process_time() - begun, len(sample), columns, loading


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=["prepare", "column", "all", "fast", "sqlmesh"])
    parser.add_argument("given", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.way == "prepare":
        prepare(arguments.given.resolve(), arguments.folder)
        return
    given = json.loads(arguments.given.read_text(encoding="utf-8"))
    if arguments.way == "sqlmesh":
        spent, models, columns, loading = by_sqlmesh(given, arguments.folder, arguments.every)
    else:
        (spent, models, columns), loading = by_sqlglot(given, arguments.every, arguments.way), 0.0
    print(json.dumps({"sampled": spent, "models": models, "columns": columns, "loading": loading}))


if __name__ == "__main__":
    sys.exit(main())
