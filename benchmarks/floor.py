"""The floor: what the database alone needs, the statements of a finished run sent by hand in a bare loop over one connection.

    python benchmarks/floor.py prepare PROJECT FOLDER --what same|bare
    python benchmarks/floor.py send FOLDER [--threads N]

``prepare`` writes ``FOLDER/statements.json`` and a fresh ``FOLDER/warehouse.duckdb`` that holds the sources, and the schemas
and empty bookkeeping tables the run found or made before its first model. ``send`` is the part to measure.

``same`` sends all statements of the run as ``target/run`` recorded them, one transaction per file as the run did.
``bare`` sends one ``create or replace table/view … as`` a model, made from ``target/compiled``.
"""

from __future__ import annotations

import argparse
import json
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any


def ordered(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Models and tests, parents first."""
    nodes = {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] in {"model", "test"}}
    edges = {id_: [p for p in node["depends_on"]["nodes"] if p in nodes] for id_, node in nodes.items()}
    return [nodes[id_] for id_ in TopologicalSorter(edges).static_order()]


def texts(folder: Path) -> dict[str, str]:
    """SQL files below a folder, by stem."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.sql"))}


def same(project: Path, nodes: list[dict[str, Any]]) -> list[list[str]]:
    import duckdb

    recorded = texts(project / "target" / "run")
    connection = duckdb.connect()
    batches = []
    for node in nodes:
        if text := recorded.get(node["name"]):
            statements = [s.query.strip().rstrip(";") for s in connection.extract_statements(text)]
            batches.append([s for s in statements if s])
    return batches


def bare(project: Path, nodes: list[dict[str, Any]]) -> list[list[str]]:
    compiled = texts(project / "target" / "compiled")
    return [
        [f"create or replace {node['config']['materialized']} {node['relation_name']} as\n{compiled[node['name']].strip().rstrip(';')}"]
        for node in nodes
        if node["resource_type"] == "model"
    ]


def prepare(project: Path, folder: Path, what: str) -> int:
    """Returns the number of statements; raises ``SystemExit`` when the run left too little to make a floor of."""
    import duckdb

    manifest = json.loads((project / "target" / "manifest.json").read_text(encoding="utf-8"))
    nodes = ordered(manifest)
    wanted = sum(node["resource_type"] == "model" for node in nodes)
    batches = same(project, nodes) if what == "same" else bare(project, nodes)
    if len(batches) < wanted:
        sys.exit(f"{project}/target has statements of {len(batches)} models of {wanted}: no floor")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("warehouse.duckdb*"):
        old.unlink()
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as made:
        schemas = made.execute("select schema_name from duckdb_schemas() where not internal and database_name = 'warehouse'").fetchall()
        tables = made.execute("select schema_name, table_name, sql from duckdb_tables() where database_name = 'warehouse'").fetchall()
    models = {(node["schema"], node["alias"]) for node in nodes}
    with duckdb.connect(str(folder / "warehouse.duckdb")) as fresh:
        fresh.execute((project / "setup.sql").read_text(encoding="utf-8"))
        for (schema,) in schemas:
            fresh.execute(f'create schema if not exists "{schema}"')
        for schema, table, sql in tables:
            if schema != "raw" and (schema, table) not in models:
                fresh.execute(sql.replace("CREATE TABLE", "create table if not exists", 1))
    (folder / "statements.json").write_text(json.dumps(batches), encoding="utf-8")
    return sum(len(batch) for batch in batches)


def send(folder: Path, threads: int | None) -> None:
    import duckdb

    batches = json.loads((folder / "statements.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(folder / "warehouse.duckdb"), config={"threads": threads} if threads else {}) as connection:
        for batch in batches:
            together = len(batch) > 1 and not batch[0].lower().startswith("begin")
            if together:
                connection.begin()
            for statement in batch:
                connection.execute(statement).fetchall()
            if together:
                connection.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("project", type=Path)
    preparing.add_argument("folder", type=Path)
    preparing.add_argument("--what", choices=["same", "bare"], default="same")
    sending = commands.add_parser("send")
    sending.add_argument("folder", type=Path)
    sending.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.command == "prepare":
        print(prepare(arguments.project, arguments.folder, arguments.what))
    else:
        send(arguments.folder, arguments.threads)


if __name__ == "__main__":
    main()
