"""Who may build a relation: of those who ask at once, one; whoever was overtaken publishes nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError, OrcError
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Lease, Published

on_every_engine = pytest.mark.parametrize("engine", ["bigquery", "duckdb", "postgres"], indirect=True)


@pytest.fixture
def leased(engine: Any) -> Any:
    """The engine, with what leases are kept in."""
    session = engine.connect()
    for statement in engine.dialect.lease_setup():
        session.execute(statement)
    return engine


def claim(engine: Any, session: Any, relation: Relation, run: str) -> tuple[Any, ...]:
    rows: tuple[tuple[Any, ...], ...] = ()
    for statement in engine.dialect.lease_claim(relation, run):
        rows = session.execute(statement).rows
    return rows[0]


def end(engine: Any, session: Any, lease: Lease, *, published: bool = False) -> None:
    for statement in engine.dialect.lease_end(lease, published=published):
        session.execute(statement)


def alive(engine: Any, run: str) -> Any:
    """A session of a run that lives; the warehouse is one more than the test's own."""
    warehouse = registry.warehouse(engine.target, str(engine.root), run)
    engine.opened.append(warehouse)
    return warehouse.connect()


@on_every_engine
def test_a_lease_is_taken_refused_returned_and_taken_again(leased: Any) -> None:
    orders, items = leased.relation("orders"), leased.relation("items")
    one, two = alive(leased, "run-1"), alive(leased, "run-2")
    run, fence, since = claim(leased, one, orders, "run-1")
    assert (run, since is not None) == ("run-1", True)
    assert claim(leased, two, orders, "run-2")[:2] == ("run-1", fence)
    assert claim(leased, two, items, "run-2")[0] == "run-2"
    assert claim(leased, one, orders, "run-1")[:2] == ("run-1", fence + 1)  # a second try of the same run
    end(leased, one, Lease(orders, "run-1", fence + 1))
    assert claim(leased, two, orders, "run-2")[:2] == ("run-2", fence + 2)


@on_every_engine
def test_names_that_an_engine_may_confuse_share_a_lease(leased: Any) -> None:
    one, two = alive(leased, "run-1"), alive(leased, "run-2")
    claim(leased, one, leased.relation("Orders"), "run-1")
    assert claim(leased, two, leased.relation("oRDERS"), "run-2")[0] == "run-1"


@on_every_engine
def test_a_name_is_no_sql(leased: Any) -> None:
    odd = leased.relation("o'rd\"ers")
    assert claim(leased, alive(leased, "run-1"), odd, "run-1")[0] == "run-1"


@on_every_engine
def test_of_many_who_ask_at_once_one_gets_it(leased: Any) -> None:
    """Again and again, for relations that nobody has built before and for others."""
    runs = [f"run-{n}" for n in range(4)]
    sessions = {run: alive(leased, run) for run in runs}
    barrier = threading.Barrier(len(runs))
    claims: list[tuple[int, str, int]] = []
    refused: list[OrcError] = []

    def ask(run: str) -> None:
        for turn in range(20):
            relation = leased.relation(f"t{turn // 2}")
            barrier.wait()
            try:
                holder, fence, _ = claim(leased, sessions[run], relation, run)
            except ExecuteError as error:
                refused.append(error)
            else:
                if holder == run:
                    claims.append((turn, run, fence))
            barrier.wait()
            if claims and claims[-1][:2] == (turn, run):
                end(leased, sessions[run], Lease(relation, run, claims[-1][2]))

    threads = [threading.Thread(target=ask, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns = [turn for turn, _, _ in claims]
    assert len(turns) == len(set(turns)) > 10
    assert all(error.transient for error in refused if isinstance(error, ExecuteError))


def publish(engine: Any, session: Any, lease: Lease) -> None:
    """The end of a publish, as far as leases go."""
    record = Published("model.shop.orders", str(lease.relation), "f", lease.run, "2026-01-01T00:00:00Z", 1)
    session.begin()
    for statement in engine.dialect.ledger_write(record, known=True, lease=lease):
        session.execute(statement)
    session.commit()


@on_every_engine
def test_a_publish_returns_its_lease(leased: Any) -> None:
    orders = leased.relation("orders")
    one, two = alive(leased, "run-1"), alive(leased, "run-2")
    held = Lease(orders, "run-1", claim(leased, one, orders, "run-1")[1])
    publish(leased, one, held)
    end(leased, one, held, published=True)
    assert claim(leased, two, orders, "run-2")[0] == "run-2"


@pytest.mark.notyet("bigquery", reason="asks for sessions or speaks the SQL of Postgres: not written for it yet")
@pytest.mark.never("duckdb", reason="leases of one process end with their holders, so nobody is overtaken")
def test_who_was_overtaken_publishes_nothing(leased: Any) -> None:
    orders = leased.relation("orders")
    one, two = leased.connect(), alive(leased, "run-2")  # of run-1 there is no session that says that it lives
    held = Lease(orders, "run-1", claim(leased, one, orders, "run-1")[1])
    run, fence, _ = claim(leased, two, orders, "run-2")
    assert run == "run-2"
    for _ in range(2):
        with pytest.raises(ExecuteError, match="taken over by run run-2") as caught:
            publish(leased, one, held)
        one.rollback()
        assert (caught.value.first.code, caught.value.transient) == ("X330", False)
        publish(leased, two, Lease(orders, "run-2", fence))  # the overtaken one is refused also when the lease is free again
        claim(leased, two, orders, "run-2")
        fence += 1
    with pytest.raises(ExecuteError, match="taken over"):
        end(leased, one, held)
    assert leased.connect().execute(leased.dialect.ledger_read("model.shop.orders")).rows == (("run-2",),)


@pytest.mark.notyet("bigquery", reason="asks for sessions or speaks the SQL of Postgres: not written for it yet")
@pytest.mark.never("duckdb", reason="leases of one process end with their holders, so nobody is overtaken")
def test_a_publish_that_keeps_its_lease_makes_sure_of_it(leased: Any) -> None:
    """One batch of several: until its commit nobody can take the lease."""
    orders = leased.relation("orders")
    one, two = leased.connect(), alive(leased, "run-2")
    held = Lease(orders, "run-1", claim(leased, one, orders, "run-1")[1])
    one.begin()
    one.execute(leased.dialect.lease_check(held)[0])
    assert claim(leased, two, orders, "run-2")[0] == "run-1"
    one.commit()
    assert claim(leased, two, orders, "run-2")[0] == "run-2"
    one.begin()
    with pytest.raises(ExecuteError, match="taken over by run run-2"):
        one.execute(leased.dialect.lease_check(held)[0])


@pytest.mark.notyet("bigquery", reason="asks for sessions or speaks the SQL of Postgres: not written for it yet")
@pytest.mark.never("duckdb", reason="a run of one's own process is busy, not dead")
def test_a_heart_that_stopped_loses_its_leases_and_its_session(leased: Any) -> None:
    orders, items = leased.relation("orders"), leased.relation("items")
    one, two = alive(leased, "run-1"), alive(leased, "run-2")
    claim(leased, one, orders, "run-1")
    claim(leased, one, items, "run-1")
    leased.connect().execute("update _orc.leases set heartbeat = now() - interval '61 seconds'")
    for statement in leased.dialect.lease_beat("run-1"):
        one.execute(statement)
    assert claim(leased, two, orders, "run-2")[0] == "run-1"
    leased.connect().execute("update _orc.leases set heartbeat = now() - interval '61 seconds' where relation ~ 'orders'")
    one.begin()
    assert claim(leased, two, orders, "run-2")[0] == "run-2"
    assert claim(leased, two, items, "run-2")[0] in ("run-1", "run-2")  # whether it has noticed yet that it is dead
    with pytest.raises(ExecuteError) as caught:
        one.execute("select 1")
    assert caught.value.transient


@pytest.mark.notyet("bigquery", reason="asks for sessions or speaks the SQL of Postgres: not written for it yet")
@pytest.mark.never("duckdb", reason="sessions of one process have no server that outlives them")
def test_no_other_session_is_ended_for_a_lease(leased: Any) -> None:
    """The number of a session that is gone may be a stranger's by now."""
    orders = leased.relation("orders")
    one, two, stranger = alive(leased, "run-1"), alive(leased, "run-2"), leased.connect()
    claim(leased, one, orders, "run-1")
    (pid,) = stranger.execute("select pg_backend_pid()").rows[0]
    leased.connect().execute(f"update _orc.leases set heartbeat = now() - interval '1 hour', holder = '{pid}'")
    assert claim(leased, two, orders, "run-2")[0] == "run-2"
    assert stranger.execute("select 1").rows == ((1,),)
    assert one.execute("select 1").rows == ((1,),)


@pytest.mark.notyet("bigquery", reason="asks for sessions or speaks the SQL of Postgres: not written for it yet")
@pytest.mark.never("duckdb", reason="a lease is no row of the publish's transaction there")
def test_asking_does_not_wait_for_a_publish_on_its_way(leased: Any) -> None:
    orders = leased.relation("orders")
    one, two = alive(leased, "run-1"), alive(leased, "run-2")
    held = Lease(orders, "run-1", claim(leased, one, orders, "run-1")[1])
    record = Published("model.shop.orders", "orders", "f", "run-1", "2026-01-01T00:00:00Z", 1)
    one.begin()
    one.execute(leased.dialect.ledger_write(record, lease=held)[0])
    two.execute("set lock_timeout = '100ms'")
    assert claim(leased, two, orders, "run-2")[0] == "run-1"
    for statement in leased.dialect.lease_beat("run-1"):
        two.execute(statement)
    one.commit()
    assert claim(leased, two, orders, "run-2")[0] == "run-2"


def test_sessions_that_set_leases_up_at_once_are_all_done() -> None:
    """DuckDB looks whether the leases' database is there, and attaches it, in two steps."""
    from orchestrator.adapters.duckdb.connection import DuckDBWarehouse
    from orchestrator.adapters.duckdb.profile import DuckDBProfile

    refused: list[OrcError] = []

    def set_up(session: Any, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            for statement in DuckDBWarehouse.dialect.lease_setup()[:1]:
                session.execute(statement)
        except OrcError as error:
            refused.append(error)

    for _ in range(40):
        warehouse, barrier = DuckDBWarehouse(DuckDBProfile(":memory:", "memory")), threading.Barrier(8)
        threads = [threading.Thread(target=set_up, args=(warehouse.connect(), barrier)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        warehouse.close()
    assert refused == []
