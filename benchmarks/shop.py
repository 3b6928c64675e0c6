"""The shop the generated project is about: its source tables, and the words its columns are named with."""

from __future__ import annotations

import random
from dataclasses import dataclass

STATUSES = ("new", "active", "closed", "lost")
REGIONS = ("north", "south", "east", "west")
CHANNELS = ("web", "shop", "phone", "partner")
ROWS = 10
QUALIFIERS = (
    "lifetime",
    "cumulative",
    "historical",
    "adjusted",
    "expected",
    "recent",
    "rolling",
    "normalised",
    "attributed",
    "estimated",
    "weighted",
    "previous",
)
MEASURES = ("amount", "cost", "margin", "volume", "score", "delay", "rate", "units", "value", "effort", "weight", "spend")
TOPICS = ("enriched", "daily", "history", "joined", "scored", "ranked", "activity", "profile", "summary", "quality", "trend", "cohort")


@dataclass(frozen=True)
class Table:
    """A source: its key is ``<entity>_id``; every one also has ``account_id`` and ``status``."""

    entity: str
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    times: tuple[str, ...]
    flag: str


TABLES = (
    Table(
        "customer",
        ("region", "channel", "segment"),
        ("credit_limit", "balance", "visits", "score"),
        ("created_at", "updated_at"),
        "is_member",
    ),
    Table("order", ("region", "channel", "currency"), ("amount", "tax", "discount", "shipping"), ("created_at", "updated_at"), "is_gift"),
    Table("line", ("region", "channel", "unit"), ("quantity", "price", "cost", "weight"), ("created_at", "updated_at"), "is_returned"),
    Table(
        "product", ("region", "channel", "brand"), ("list_price", "stock", "rating", "volume"), ("created_at", "updated_at"), "is_listed"
    ),
    Table("payment", ("region", "channel", "method"), ("paid", "fee", "refund", "attempts"), ("created_at", "updated_at"), "is_settled"),
    Table(
        "shipment", ("region", "channel", "carrier"), ("parcels", "distance", "freight", "delay"), ("created_at", "updated_at"), "is_late"
    ),
    Table(
        "session", ("region", "channel", "device"), ("pages", "seconds", "clicks", "searches"), ("created_at", "updated_at"), "is_bounce"
    ),
    Table(
        "ticket", ("region", "channel", "topic"), ("replies", "waiting", "effort", "reopened"), ("created_at", "updated_at"), "is_urgent"
    ),
)


def describe(column: str, entity: str) -> str:
    words = column.replace("_", " ")
    return f"{words.capitalize()} of the {entity}"


def columns_of(table: Table, double: str = "double") -> list[tuple[str, str]]:
    return [
        (f"{table.entity}_id", "integer"),
        ("account_id", "integer"),
        ("status", "varchar"),
        *((c, "varchar") for c in table.texts),
        *((c, double) for c in table.numbers),
        (table.flag, "boolean"),
        *((c, "timestamp") for c in table.times),
    ]


def sources() -> str:
    lines = ["version: 2", "", "sources:", "  - name: raw", "    schema: raw", "    description: As the shop sends it", "    tables:"]
    for table in TABLES:
        lines += [f"      - name: {table.entity}s", f"        description: One row per {table.entity}", "        columns:"]
        for column, _ in columns_of(table):
            lines += [f"          - name: {column}", f"            description: {describe(column, table.entity)}"]
    return "\n".join(lines) + "\n"


def setup(seed: int, double: str = "double") -> str:
    """SQL that creates the source tables, ten rows each; every account once a table, so joins on it keep the row count."""
    rng = random.Random(seed)
    statements = ["create schema if not exists raw;"]
    for table in TABLES:
        shape = ", ".join(f"{c} {t}" for c, t in columns_of(table, double))
        accounts = rng.sample(range(1, ROWS + 1), ROWS)
        rows = []
        for number, account in enumerate(accounts, 1):
            texts = [rng.choice(STATUSES), rng.choice(REGIONS), rng.choice(CHANNELS), rng.choice("abcd")]
            numbers = [str(round(rng.uniform(1, 100), 2)) for _ in table.numbers]
            day, later = rng.randint(1, 14), rng.randint(15, 28)
            times = [f"'2026-01-{d:02} {rng.randint(0, 23):02}:00:00'" for d in (day, later)]
            flag = rng.choice(("true", "false"))
            quoted = [f"'{text}'" for text in texts]
            rows.append(f"({', '.join([str(number), str(account), *quoted, *numbers, flag, *times])})")
        statements.append(f"drop table if exists raw.{table.entity}s;")
        statements.append(f"create table raw.{table.entity}s ({shape});")
        statements.append(f"insert into raw.{table.entity}s values\n  " + ",\n  ".join(rows) + ";")
    return "\n".join(statements) + "\n"
