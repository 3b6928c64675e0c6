"""`kill -9` between any two statements of a publish: readers have the old table whole, or the new one, and the ledger agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

CHILD = """
import json, os, signal, sys
from orchestrator.adapters import registry
from orchestrator.core.project import Target

given = json.loads(sys.argv[1])
session = registry.warehouse(Target(**given["target"]), given["root"]).connect()
for number, statement in enumerate(given["statements"]):
    if number == given["kill_before"]:
        os.kill(os.getpid(), signal.SIGKILL)
    session.execute(statement)
print("done", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run_and_die(engine: Any, statements: list[str], kill_before: int) -> str:
    target = {key: getattr(engine.target, key) for key in ("profile", "name", "type", "database", "schema", "threads", "settings")}
    given = {"target": target, "root": str(engine.root), "statements": statements, "kill_before": kill_before}
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps(given)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("strategy", ["table", "delete+insert"])
def test_a_publish_killed_anywhere_is_whole_or_not_there(engine: Any, strategy: str) -> None:
    relation = engine.relation("orders")
    old, new = ("select i, 'old' as v from generate_series(0, 2999) t(i)", "select i, 'new' as v from generate_series(0, 2999) t(i)")
    engine.publish(engine.connect(), relation, old, "r1")
    existing = engine.find(relation)
    statements = engine.publishing(relation, new, "r2", existing)
    if strategy != "table":
        swap = engine.dialect.swap(relation.stage, relation, existing)
        at = statements.index(swap[0])
        staged = existing.__class__(relation.stage, "table")
        apply = engine.dialect.apply_delta(strategy, relation.stage, relation, ("i", "v"), ("i",), {})
        statements[at : at + len(swap)] = [*apply, engine.dialect.drop(staged)]
    count, values = f"select count(*), min(v), max(v) from {engine.dialect.relation(relation)}", []
    for kill_before in range(len(statements) + 1):
        engine.warehouse.close()
        finished = run_and_die(engine, statements, kill_before)
        session = engine.connect()
        ((rows, low, high),) = session.execute(count).rows
        ((run,),) = session.execute(engine.dialect.ledger_read("model.shop.orders")).rows
        assert (rows, low) == (3000, high)
        assert run == {"old": "r1", "new": "r2"}[high]
        assert engine.find(relation.stage) is None
        assert finished == ("done" if kill_before == len(statements) else "")
        values.append(high)
        session.close()
    assert values == ["old"] * len(statements) + ["new"]
