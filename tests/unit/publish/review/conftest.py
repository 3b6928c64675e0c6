from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from orchestrator.core.difference import ColumnDifference, Difference, Spread, Undone
from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.files import Span
from orchestrator.core.review import Breaking, Changed, Checked, Review, Reviewed

HOSTILE = "a|b`c`</details>-->@all <script>alert(1)</script> ```\n/merge"


@pytest.fixture
def nothing() -> Review:
    return Review("a1b2c3d", "d4e5f6a", "pr_7", "ci", "duckdb", "what was published at 06:00", project="shop")


@pytest.fixture
def rich() -> Review:
    """A pull request with something of everything, and names that try to be more than names."""
    gone = Problem(
        "U063",
        "`fct_orders.discount` is gone, and the model `rpt_margin` reads it (owner: @finance)",
        Span("models/rpt_margin.sql", 14, 8, 8),
    )
    failed = Problem(
        "X210", "test `unique_dim_customer_id` failed: 12 rows", Span("models/schema.yml", 31, 9), "orc show unique_dim_customer_id"
    )
    orders = Reviewed(
        "model.shop.fct_orders", "fct_orders", "model", "models/fct_orders.sql", "modified",
        (
            Changed("column removed", "discount", before="o.discount"),
            Changed("column added", "net_amt", after="o.amount - o.discount"),
            Changed("column renamed", "placed_on", "placed", "placed_on"),
            Changed("type changed", "amount", "DECIMAL(18, 2)", "DOUBLE"),
            Changed("expression changed", "status", "coalesce(o.status, 'new')", "upper(o.status)"),
            Changed("row set changed"),
        ),
        (Breaking("`fct_orders.discount` is gone", "rpt_margin", gone, "@finance"), Breaking("`fct_orders.discount` is gone", "Margins", None, "ann")),
        rebuilt=True, status=Status.PASSED, rows=(1_203_400, 1_183_021), backfill="2026-01-01 to 2026-11-20", bytes=42 * 1024**3, seconds=3.25,
        difference=Difference(
            "prod.fct_orders", "prod__pr_7.fct_orders", "sampled", 1_203_400, 1_183_021, ("order_id",), "unique_key", 21, 20_400, 300, 1_182_700, 0, 2,
            0.1,
            (
                ColumnDifference("order_id", "BIGINT", "BIGINT", 1_183_000, 1_183_000),
                ColumnDifference(
                    "status", "VARCHAR", "VARCHAR", 1_183_000, 1_182_999, Spread(0, 4, "a", "z"), Spread(12, 5, "A", "z"), (((17,), "new", "NEW"),)
                ),
                ColumnDifference(
                    "amount", "DECIMAL(18, 2)", "DOUBLE", 1_183_000, 0, Spread(0, 9, Decimal("0.10"), Decimal("9.90"), 3.5), Spread(0, 9, 0.1, 9.9, 3.75),
                    (((18,), Decimal("1.10"), 1.1), ((19,), None, float("inf"))),
                ),
            ),
            (("net_amt", "DOUBLE"),), (("discount", "DECIMAL(18, 2)"),), ((date(2026, 11, 20), HOSTILE),), ((None, b"\x00\xff"),),
        ),
        parents=("model.shop.stg_orders", "source.shop.raw.orders"),
    )  # fmt: skip
    nodes = (
        orders,
        Reviewed(
            f"model.shop.{HOSTILE}", HOSTILE, "model", f"models/{HOSTILE}.sql", "added", (Changed("added", after=f"models/{HOSTILE}.sql"),),
            rebuilt=True, status=Status.PASSED, rows=(None, 412), backfill="everything", parents=("model.shop.fct_orders",),
        ),
        Reviewed(
            "model.shop.stg_orders", "stg_orders", "model", "models/stg_orders.sql", "modified", (Changed("cosmetic"),), reason="no column is touched",
        ),
        Reviewed("model.shop.old", "old", "model", "models/old.sql", "removed", (Changed("removed", before="models/old.sql"),)),
        Reviewed(
            "model.shop.rpt_margin", "rpt_margin", "model", "models/rpt_margin.sql", "affected", rebuilt=True, status=Status.FAILED,
            problem=Problem("X101", 'Binder Error: column "discount" not found', Span("models/rpt_margin.sql", 14, 8)), rows=(40, None),
            parents=("model.shop.fct_orders",), line=1,
        ),
        Reviewed(
            "model.shop.daily", "daily", "model", "models/daily.sql", "affected", rebuilt=True, status=Status.PASSED, rows=(365, 365),
            difference=Difference("prod.daily", "prod__pr_7.daily", "identical", 365, 365), parents=("model.shop.fct_orders",),
        ),
        Reviewed(
            "model.shop.weekly", "weekly", "model", "models/weekly.sql", "affected", rebuilt=True, status=Status.PASSED, rows=(52, 52),
            difference=Undone("model.shop.weekly", "production has no such table"), parents=("model.shop.daily",),
        ),
        Reviewed("model.shop.late", "late", "model", "models/late.sql", "affected", status=Status.SKIPPED, reason="`rpt_margin` failed"),
    )  # fmt: skip
    return Review(
        "a1b2c3d", "d4e5f6a", "pr_7", "ci", "duckdb", "what run 5f3a published at 2026-11-20 06:00 UTC", nodes,
        (
            Checked("unique_dim_customer_id", "dim_customer", Status.FAILED, 12, failed, "models/schema.yml", 31),
            Checked("not_null_fct_orders_status", "fct_orders", Status.WARNED, 12, None, "models/schema.yml", 12),
            Checked("unique_fct_orders_order_id", "fct_orders", Status.PASSED, 0),
            Checked(HOSTILE, HOSTILE, Status.CRASHED, None, Problem("X130", f"connection lost\n::error::{HOSTILE}")),
            Checked("unique_late_id", "late", Status.SKIPPED),
        ),
        (
            Problem("S301", f"nothing reads the CTE `{HOSTILE}`", Span("models/fct_orders.sql", 3, 1, 12), "delete it", severity="warning"),
            Problem("S305", "a comparison with null is never true", Span("models/with space,ü.sql", 9, 2, 5), trail=(("called here", Span("m.sql", 2, 3)),)),
        ),
        (gone, failed, Problem("U060", f"`{HOSTILE}` was not built")),
        (("Margins", "ann@example.com"), (HOSTILE, "")), ("model.shop.dim_store", "model.shop.dim_date"), 42 * 1024**3, 65.2,
        "orc ci --base a1b2c3d", "shop", "analytics/shop", (("model.shop.fct_orders", "model.shop.dim_store"),),
    )  # fmt: skip


@pytest.fixture
def huge() -> Review:
    """Two thousand models at once, everything about each of them different."""

    def model(at: int) -> Reviewed:
        name = f"a_rather_long_name_of_a_model_as_people_write_them_{at}"
        columns = tuple(
            ColumnDifference(f"column_{c}", "BIGINT", "DOUBLE", 1000, 10 * c, None, None, tuple(((k,), k, k * 1.5) for k in range(5)))
            for c in range(12)
        )
        return Reviewed(
            f"model.shop.{name}", name, "model", f"models/{name}.sql", "modified" if at % 3 else "affected",
            tuple(Changed("expression changed", f"column_{c}", f"a + {c}", f"a - {c}") for c in range(12)),
            (Breaking(f"`{name}.column_1` is gone", "reader"),) if at % 50 == 0 else (),
            True, "", Status.FAILED if at % 7 == 0 else Status.PASSED, None, (1000, 1000 + at),
            Difference("a", "b", "exact", 1000, 1000 + at, ("id",), "test", at, 0, 500, 500, columns=columns), "everything",
            parents=(f"model.shop.a_rather_long_name_of_a_model_as_people_write_them_{at - 1}",) if at else (),
        )  # fmt: skip

    nodes = tuple(model(at) for at in range(2000))
    tests = tuple(Checked(f"not_null_{n.name}_id", n.name, Status.FAILED if at % 5 else Status.PASSED, 3) for at, n in enumerate(nodes))
    blocking = tuple(Problem("U060", f"`{n.name}` failed", Span(n.path, 3)) for n in nodes if n.status == Status.FAILED)
    findings = tuple(Problem("S303", "a star", Span(n.path, 9), severity="warning") for n in nodes)
    exposures = tuple((f"dashboard_{at}", "ann") for at in range(500))
    unaffected = tuple(f"model.shop.far_{at}" for at in range(500))
    return Review("a", "b", "pr_1", "ci", "duckdb", "now", nodes, tests, findings, blocking, exposures, unaffected, project="shop")
