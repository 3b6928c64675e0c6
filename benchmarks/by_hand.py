"""What a person would send to Postgres without an orchestrator: the floors of ``postgres.py``.

    python benchmarks/by_hand.py prepare PROJECT FILE            # the creates of a finished run and their order, as JSON
    python benchmarks/by_hand.py send FILE URL [--threads N]     # those statements, and nothing else
    python benchmarks/by_hand.py million FILE                    # 1,000,000 rows of 10 columns, as an Arrow file
    python benchmarks/by_hand.py rows FILE URL                   # that file by COPY: Python values, packed by psycopg
    python benchmarks/by_hand.py dump FILE URL                   # the table that made, as the bytes of a COPY beside the file
    python benchmarks/by_hand.py bytes FILE URL                  # those bytes by COPY
    python benchmarks/by_hand.py frame FILE URL                  # that file as orc loads a frame, without the rest of a run

Only ``send``, ``rows``, ``bytes`` and ``frame`` are measured.
"""

from __future__ import annotations

import argparse
import json
import threading
from graphlib import TopologicalSorter
from pathlib import Path
from queue import SimpleQueue

ROWS = 1_000_000
BATCH = 100_000
TABLE = "public.million"


def prepare(project: Path, file: Path) -> None:
    """One ``create`` a model, from what a run compiled."""
    manifest = json.loads((project / "target" / "manifest.json").read_text(encoding="utf-8"))
    nodes = {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    compiled = {path.stem: path.read_text(encoding="utf-8") for path in (project / "target" / "compiled").rglob("*.sql")}
    statements = {
        id_: f"create {node['config']['materialized']} {node['relation_name']} as\n{compiled[node['name']].strip().rstrip(';')}"
        for id_, node in nodes.items()
    }
    needs = {id_: [p for p in node["depends_on"]["nodes"] if p in nodes] for id_, node in nodes.items()}
    schemas = sorted({node["schema"] for node in nodes.values()})
    file.write_text(json.dumps({"schemas": schemas, "statements": statements, "needs": needs}), encoding="utf-8")


def send(file: Path, url: str, threads: int) -> None:
    """Each statement once its parents are there, on as many connections as threads."""
    import psycopg

    work = json.loads(file.read_text(encoding="utf-8"))
    statements: dict[str, bytes] = {id_: text.encode() for id_, text in work["statements"].items()}
    order: TopologicalSorter[str] = TopologicalSorter(work["needs"])
    with psycopg.connect(url, autocommit=True) as connection:
        for schema in work["schemas"]:
            connection.execute(f'create schema "{schema}"'.encode())
        if threads == 1:
            for id_ in order.static_order():
                connection.execute(statements[id_])
            return
    ready: SimpleQueue[str | None] = SimpleQueue()
    done: SimpleQueue[str | BaseException] = SimpleQueue()

    def serve() -> None:
        with psycopg.connect(url, autocommit=True) as own:
            while (id_ := ready.get()) is not None:
                try:
                    own.execute(statements[id_])
                    done.put(id_)
                except BaseException as error:  # noqa: BLE001  the one who waits raises it
                    done.put(error)

    crew = [threading.Thread(target=serve) for _ in range(threads)]
    for thread in crew:
        thread.start()
    try:
        order.prepare()
        while order.is_active():
            for id_ in order.get_ready():
                ready.put(id_)
            heard = done.get()
            if isinstance(heard, BaseException):
                raise heard
            order.done(heard)
    finally:
        for _ in crew:
            ready.put(None)


def million(file: Path) -> None:
    """Whole numbers, floats, money, words, sentences with gaps, truth, days, moments with and without a zone."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(7)
    words = pa.array([f"word {i}" for i in range(1000)])
    n = ROWS
    seconds = rng.integers(1_500_000_000, 1_700_000_000, n)
    cents = np.column_stack([rng.integers(0, 10**9, n), np.zeros(n, np.int64)])  # a decimal is 128 bits wide
    sentences = words.take(pa.array(rng.integers(0, 1000, n), mask=rng.random(n) < 0.1))
    table = pa.table(
        {
            "id": pa.array(np.arange(n)),
            "small": pa.array(rng.integers(0, 1000, n), pa.int32()),
            "gappy": pa.array(rng.integers(0, 10**12, n), mask=rng.random(n) < 0.1),
            "measure": pa.array(rng.normal(size=n)),
            "money": pa.Array.from_buffers(pa.decimal128(18, 2), n, [None, pa.py_buffer(cents.tobytes())]),
            "word": words.take(pa.array(rng.integers(0, 1000, n))),
            "sentence": sentences,
            "flag": pa.array(rng.random(n) < 0.5),
            "day": pa.array((seconds // 86_400).astype("int32")).cast(pa.date32()),
            "at": pa.array(seconds * 1_000_000).cast(pa.timestamp("us", "UTC")),
        }
    )
    with pa.ipc.new_file(str(file), table.schema) as out:
        out.write_table(table, max_chunksize=BATCH)


DDL = (
    f"drop table if exists {TABLE};"
    f" create table {TABLE} (id bigint, small integer, gappy bigint, measure double precision, money numeric(18, 2),"
    " word text, sentence text, flag boolean, day date, at timestamp with time zone)"
)
COPY = f"copy {TABLE} from stdin (format binary, freeze)"
TYPES = ["int8", "int4", "int8", "float8", "numeric", "text", "text", "bool", "date", "timestamptz"]


def rows(file: Path, url: str) -> None:
    """The way of psycopg's documentation."""
    import psycopg
    import pyarrow as pa

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(DDL.encode())
        with pa.ipc.open_file(pa.memory_map(str(file))) as table, cursor.copy(COPY.encode()) as copy:
            copy.set_types(TYPES)
            for i in range(table.num_record_batches):
                for row in zip(*(column.to_pylist() for column in table.get_batch(i).columns), strict=True):
                    copy.write_row(row)
        cursor.execute(f"analyze {TABLE}".encode())


def dump(file: Path, url: str) -> None:
    """The table as Postgres itself writes it, to be sent as it is."""
    import psycopg

    everything = f"copy {TABLE} to stdout (format binary)".encode()
    with psycopg.connect(url) as connection, connection.cursor().copy(everything) as copy, file.with_suffix(".copy").open("wb") as out:
        for chunk in copy:
            out.write(chunk)


def ready(file: Path, url: str) -> None:
    """Nothing but the server and the wire: bytes that are there already."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(DDL.encode())
        with file.with_suffix(".copy").open("rb") as content, cursor.copy(COPY.encode()) as copy:
            while chunk := content.read(1 << 20):
                copy.write(chunk)
        cursor.execute(f"analyze {TABLE}".encode())


def frame(file: Path, url: str) -> None:
    """The product's connection, alone."""
    import pyarrow as pa

    from orchestrator.adapters import registry
    from orchestrator.core.names import Relation
    from orchestrator.core.project import Target
    from orchestrator.testing import postgres

    warehouse = registry.warehouse(
        Target("bench", "dev", "postgres", None, "public", 1, {**postgres.settings(url), "schema": "public"}), "."
    )
    session = warehouse.connect()
    with pa.ipc.open_file(pa.memory_map(str(file))) as table:
        batches = (table.get_batch(i) for i in range(table.num_record_batches))
        session.load(Relation(None, "public", "million"), pa.RecordBatchReader.from_batches(table.schema, batches))
    session.execute(f"analyze {TABLE}")
    session.close()
    warehouse.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prepare", "send", "million", "rows", "dump", "bytes", "frame"])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", nargs="?", default="")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    match arguments.what:
        case "prepare":
            prepare(arguments.first, Path(arguments.second))
        case "send":
            send(arguments.first, arguments.second, arguments.threads)
        case "million":
            million(arguments.first)
        case "rows":
            rows(arguments.first, arguments.second)
        case "bytes":
            ready(arguments.first, arguments.second)
        case "dump":
            dump(arguments.first, arguments.second)
        case "frame":
            frame(arguments.first, arguments.second)


if __name__ == "__main__":
    main()
