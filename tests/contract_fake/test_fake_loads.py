"""Files that are loaded, destinations that are written."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest


def load(cloud: Any, content: bytes, name: str = "t", **config: Any) -> Any:
    from google.cloud import bigquery

    job = cloud.client.load_table_from_file(
        io.BytesIO(content), f"p.d.{name}", job_config=bigquery.LoadJobConfig(**config), size=len(content)
    )
    job.result(retry=None)
    return job


def parquet(frame: Any) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(frame, out)
    return out.getvalue()


def everything() -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "i": pa.array([2**62, None], pa.int64()),
            "f": pa.array([1.5, float("nan")], pa.float64()),
            "n": pa.array([Decimal("1.500000001"), None], pa.decimal128(38, 9)),
            "g": pa.array([Decimal("1e-20"), Decimal(-1)], pa.decimal256(60, 30)),
            "s": pa.array(['ä\n"x"', ""], pa.string()),
            "b": pa.array([b"\x00\xff", None], pa.binary()),
            "o": pa.array([True, None], pa.bool_()),
            "d": pa.array([date(2024, 1, 2), date(1, 1, 1)], pa.date32()),
            "t": pa.array([time(1, 2, 3, 4), None], pa.time64("us")),
            "dt": pa.array([datetime.fromisoformat("2024-01-02T03:04:05.000006"), None], pa.timestamp("us")),
            "ts": pa.array([datetime(2024, 1, 2, tzinfo=UTC), datetime(1960, 1, 1, 0, 0, 0, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "a": pa.array([[1, 2], []], pa.list_(pa.int64())),
            "r": pa.array([{"x": 1, "y": ["p"]}, None], pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))])),
        }
    )


def test_parquet_keeps_every_value(cloud: Any) -> None:
    from google.cloud.bigquery.format_options import ParquetOptions

    options = ParquetOptions()
    options.enable_list_inference = True
    job = load(
        cloud, parquet(everything()), source_format="PARQUET", parquet_options=options, decimal_target_types=["NUMERIC", "BIGNUMERIC"]
    )
    assert (job.output_rows, job.state) == (2, "DONE")
    kinds = [f.field_type for f in cloud.table("t").schema]
    assert kinds == [
        "INTEGER",
        "FLOAT",
        "NUMERIC",
        "BIGNUMERIC",
        "STRING",
        "BYTES",
        "BOOLEAN",
        "DATE",
        "TIME",
        "DATETIME",
        "TIMESTAMP",
        "INTEGER",
        "RECORD",
    ]
    first, second = (tuple(row.values()) for row in cloud.client.list_rows("p.d.t"))
    assert first == (
        2**62, 1.5, Decimal("1.500000001"), Decimal("1e-20"), 'ä\n"x"', b"\x00\xff", True, date(2024, 1, 2), time(1, 2, 3, 4),
        datetime.fromisoformat("2024-01-02T03:04:05.000006"), datetime(2024, 1, 2, tzinfo=UTC), [1, 2], {"x": 1, "y": ["p"]},
    )  # fmt: skip
    assert second[1] != second[1]
    assert second[2:] == (
        None, Decimal(-1), "", None, None, date(1, 1, 1), None, None, datetime(1960, 1, 1, 0, 0, 0, 1, tzinfo=UTC), [], None,
    )  # fmt: skip
    assert [tuple(r.values())[2:] for r in cloud.client.query("select * from d.t order by i desc").result()] == [first[2:], second[2:]]


def test_parquet_with_a_schema_options_and_dispositions(cloud: Any) -> None:
    import pyarrow as pa
    from google.cloud import bigquery

    content = parquet(pa.table({"x": [1, 2], "d": [date(2024, 1, 1), date(2024, 1, 2)]}))
    config: dict[str, Any] = {
        "source_format": "PARQUET",
        "schema": [bigquery.SchemaField("x", "NUMERIC", description="the x"), bigquery.SchemaField("d", "DATE")],
        "time_partitioning": bigquery.TimePartitioning(field="d"),
        "clustering_fields": ["x"],
        "labels": {"run": "1"},
    }
    job = load(cloud, content, **config, write_disposition="WRITE_TRUNCATE", destination_table_description="seeded")
    table = cloud.table("t")
    assert (table.schema[0].description, table.time_partitioning.field, table.clustering_fields, table.description) == (
        "the x",
        "d",
        ["x"],
        "seeded",
    )
    assert job.labels == {"run": "1"}
    load(cloud, content, **config, write_disposition="WRITE_APPEND")
    assert cloud.rows("select count(*), sum(x) from d.t") == [(4, Decimal(6))]
    load(cloud, content, **config, write_disposition="WRITE_TRUNCATE")
    assert cloud.table("t").num_rows == 2
    with pytest.raises(Exception, match=r"Already Exists: Table p:d\.t"):
        load(cloud, content, **config, write_disposition="WRITE_EMPTY")


def test_large_files_come_in_pieces(cloud: Any) -> None:
    import pyarrow as pa

    content = parquet(pa.table({"x": list(range(20_000)), "s": [str(n * 7919) for n in range(20_000)]}))
    from google.cloud import bigquery

    job = cloud.client.load_table_from_file(io.BytesIO(content), "p.d.t", job_config=bigquery.LoadJobConfig(source_format="PARQUET"))
    assert job.result().output_rows == 20_000
    assert any(r.query.get("uploadType") == "resumable" for r in cloud.server.log)


def test_an_upload_that_is_interrupted_is_tried_again(cloud: Any) -> None:
    from google.cloud import bigquery

    cloud.server.faults.answer("backendError", "POST /upload|POST /resumable|PUT")
    job = cloud.client.load_table_from_json(
        [{"x": 1}], "p.d.t", job_config=bigquery.LoadJobConfig(schema=[bigquery.SchemaField("x", "INT64")])
    )
    assert job.result().output_rows == 1


def test_csv(cloud: Any) -> None:
    from google.cloud import bigquery

    schema = [bigquery.SchemaField(name, kind) for name, kind in (("id", "INT64"), ("s", "STRING"), ("d", "DATE"), ("b", "BOOL"))]
    content = b'id,s,d,b\r\n1,"a ""q"", b",2024-01-01,true\n2,"",,F\n3,,,\n'
    load(cloud, content, source_format="CSV", schema=schema, skip_leading_rows=1)
    assert cloud.rows("select * from d.t order by id") == [
        (1, 'a "q", b', date(2024, 1, 1), True),
        (2, "", None, False),
        (3, None, None, None),
    ]
    with pytest.raises(Exception, match="Could not parse 'x' as INT64 for field id"):
        load(cloud, b"x,a,,\n", source_format="CSV", schema=schema)
    load(
        cloud,
        b"4|NULL|NULL|NULL\n",
        source_format="CSV",
        schema=schema,
        field_delimiter="|",
        null_marker="NULL",
        write_disposition="WRITE_TRUNCATE",
    )
    assert cloud.rows("select id, s from d.t") == [(4, None)]


def test_newline_delimited_json(cloud: Any) -> None:
    from google.cloud import bigquery

    inner = [bigquery.SchemaField("a", "INT64"), bigquery.SchemaField("t", "TIMESTAMP")]
    schema = [
        bigquery.SchemaField("id", "INT64"),
        bigquery.SchemaField("r", "RECORD", mode="REPEATED", fields=inner),
        bigquery.SchemaField("j", "JSON"),
    ]
    rows = [{"id": "7", "r": [{"a": 1, "t": "2024-01-01T00:00:00Z"}], "j": {"k": [1]}}, {"id": None}]
    job = cloud.client.load_table_from_json(rows, "p.d.t", job_config=bigquery.LoadJobConfig(schema=schema))
    assert job.result().output_rows == 2
    assert cloud.rows("select id, r[offset(0)].t, json_value(j.k[0]) from d.t where id is not null") == [
        (7, datetime(2024, 1, 1, tzinfo=UTC), "1")
    ]
    with pytest.raises(Exception, match="No such field: nope"):
        cloud.client.load_table_from_json([{"nope": 1}], "p.d.t", job_config=bigquery.LoadJobConfig(schema=schema)).result(retry=None)


@pytest.mark.parametrize("source_format", ["AVRO", "ORC"])
def test_other_formats_are_refused(cloud: Any, source_format: str) -> None:
    from google.cloud import bigquery

    with pytest.raises(Exception, match="does not do this"):
        load(cloud, b"x", source_format=source_format, schema=[bigquery.SchemaField("x", "INT64")])


def test_a_query_writes_its_destination(cloud: Any) -> None:
    from google.cloud import bigquery

    target = bigquery.TableReference.from_string("p.d.t")
    job = cloud.run("select 1 as x", destination=target, labels={"a": "b"})
    assert (job.destination.table_id, cloud.rows("select * from d.t")) == ("t", [(1,)])
    assert cloud.refused("select 2 as x", destination=target) == "Already Exists: Table p:d.t"
    cloud.run("select 2 as x", destination=target, write_disposition="WRITE_APPEND")
    message = cloud.refused("select 2 as x, 3 as y", destination=target, write_disposition="WRITE_APPEND")
    assert message == "Provided Schema does not match Table p:d.t. Cannot add fields (field: y)"
    cloud.run("select 2 as x, 3 as y", destination=target, write_disposition="WRITE_APPEND", schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert cloud.rows("select x, y from d.t order by x, y") == [(1, None), (2, None), (2, 3)]
    message = cloud.refused("select 'a' as x", destination=target, write_disposition="WRITE_APPEND")
    assert message == "Provided Schema does not match Table p:d.t. Field x has changed type from INTEGER to STRING"
    cloud.run("select 'a' as z", destination=target, write_disposition="WRITE_TRUNCATE")
    assert cloud.rows("select * from d.t") == [("a",)]
    nowhere = bigquery.TableReference.from_string("p.d.nowhere")
    assert "Not found: Table p:d.nowhere" in cloud.refused("select 1 as x", destination=nowhere, create_disposition="CREATE_NEVER")


def test_a_copy_of_several_tables(cloud: Any) -> None:
    cloud.run("create table d.a as select 1 as x; create table d.b as select 2 as x; create view d.v as select 1 as x")
    cloud.client.copy_table(["p.d.a", "p.d.b"], "p.d.c").result()
    assert cloud.rows("select x from d.c order by x") == [(1,), (2,)]
    with pytest.raises(Exception, match="currently a VIEW"):
        cloud.client.copy_table("p.d.v", "p.d.w").result(retry=None)
