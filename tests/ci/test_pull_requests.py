"""`orc ci` on pull requests of every kind: what is built, what blocks, what the reports say, and that production stays what it is.

`GOLDEN=write pytest tests/ci` writes the reports that are made now; read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ci.conftest import Repository
from tests.ci.shop import PULL_REQUESTS

GOLDEN = Path(__file__).parent / "golden"

EXPECTED: dict[str, tuple[int, set[str], set[str]]] = {
    # pull request: exit code, relations that its environment has afterwards, what is unaffected
    "cosmetic": (0, set(), set()),
    "column_added": (0, {"orders"}, {"customers", "north", "taxes", "days"}),
    "column_removed": (1, {"stg_customers"}, {"customers"}),
    "column_removed_and_reader_fixed": (0, {"stg_customers", "north"}, {"customers"}),
    "expression_changed": (0, {"orders", "taxes"}, {"customers", "north", "days"}),
    "rows_changed": (0, {"orders", "taxes", "customers", "north", "days"}, set()),
    "test_fails": (1, {"orders__orc_stage"}, set()),
    "moved": (0, set(), set()),
    "added_and_removed": (0, {"regions"}, set()),
    "contract_changed": (1, {"customers"}, set()),
    "test_added": (0, set(), set()),
}


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_a_pull_request_is_built_beside_production_and_reported(repository: Repository, name: str) -> None:
    code, built, unaffected = EXPECTED[name]
    before = repository.production()
    PULL_REQUESTS[name](repository)
    repository.commit(name)
    review = repository.ci(code=code)
    assert repository.relations().get("shop__pr_482", []) == sorted(built)
    assert [schema for schema in repository.relations() if schema not in ("shop", "shop__pr_482")] == []
    assert set(review["unaffected"]) == unaffected
    assert repository.production() == before
    for file in ("review.md", "review.json"):
        text = (repository.root / "target" / "ci" / file).read_text(encoding="utf-8")
        same_as_golden(repository.normal(text), GOLDEN / repository.engine / f"{name}{Path(file).suffix}")


def same_as_golden(text: str, golden: Path) -> None:
    if os.environ.get("GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
