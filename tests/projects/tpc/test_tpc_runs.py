"""Every query of TPC-H and TPC-DS, written as a model, is SQL that DuckDB and Postgres run: built over the specification's tables, empty."""

from __future__ import annotations

from tests.projects.tpc.conftest import QUERIES, Tpc


def test_each_query_of_the_specification_is_a_model(tpc: Tpc) -> None:
    assert QUERIES[tpc.name] <= {path.stem for path in tpc.models}
    further = {path.stem for path in tpc.models} - QUERIES[tpc.name]
    texts = {path.stem: path.read_text(encoding="utf-8") for path in tpc.models}
    for name in further:  # what is no query is there to be read by one
        assert any(name in text for reader, text in texts.items() if reader != name), name


def test_all_of_them_are_built(tpc: Tpc) -> None:
    kinds = {name: there.kind for name, there in tpc.existing().items()}
    assert kinds.keys() == {path.stem for path in tpc.models} - tpc.ephemeral
    assert kinds == {name: "table" if name == "q24_ssales" else "view" for name in kinds}


def test_all_of_them_run(tpc: Tpc) -> None:
    """A view that could be created need not run: scalar subqueries, divisions and windows see no rows here, and cope."""
    rows = tpc.rows(sorted(QUERIES[tpc.name]))
    stopped = {name: str(found) for name, found in rows.items() if found not in (0, 1)}
    assert stopped.keys() == RATIOS.get((tpc.engine, tpc.name), set()), stopped
    assert all("division by zero" in message for message in stopped.values())


RATIOS = {("postgres", "tpcds"): {"q90"}}
"""A ratio of two counts, where there is nothing to count."""
