from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plan import Task
from orchestrator.execute.frontier import Frontier


def tasks_of(needs: Mapping[str, tuple[str, ...]]) -> tuple[Task, ...]:
    return tuple(Task(name, "model", name, (), of) for name, of in needs.items())


def below(needs: Mapping[str, tuple[str, ...]], node: str) -> set[str]:
    found: set[str] = set()
    while more := {n for n, of in needs.items() if n not in found and ({node} | found) & set(of)}:
        found |= more
    return found


def test_the_earliest_in_the_plan_comes_first() -> None:
    frontier = Frontier(tasks_of({"a": (), "b": ("a",), "c": (), "d": ()}))
    assert [t.node if (t := frontier.take()) else None for _ in range(4)] == ["a", "c", "d", None]
    frontier.succeed("a")
    assert getattr(frontier.take(), "node", None) == "b"


def test_needs_that_are_not_in_the_plan_do_not_count() -> None:
    assert getattr(Frontier(tasks_of({"a": ("elsewhere",)})).take(), "node", None) == "a"


def test_a_failure_skips_what_is_below_and_names_who_is_to_blame() -> None:
    frontier = Frontier(tasks_of({"a": (), "b": ("a",), "c": ("b",), "d": ()}))
    assert [(t.node, because) for t, because in frontier.fail("a")] == [("b", "a"), ("c", "a")]
    assert [t.node for t in frontier.abandon(())] == ["d"]
    assert frontier.abandon(()) == []


def test_what_runs_is_not_abandoned() -> None:
    frontier = Frontier(tasks_of({"a": (), "b": ("a",)}))
    assert frontier.take() is not None
    assert [t.node for t in frontier.abandon(("a",))] == ["b"]
    assert [t.node for t in frontier.abandon(())] == ["a"]


@given(st.data())
def test_each_task_ends_exactly_once_and_never_before_its_needs(data: st.DataObject) -> None:
    names = [f"t{n}" for n in range(data.draw(st.integers(0, 9)))]
    needs = {n: tuple(sorted(data.draw(st.sets(st.sampled_from(names[:i]), max_size=3)))) if i else () for i, n in enumerate(names)}
    width = data.draw(st.integers(1, 4))
    frontier = Frontier(tasks_of(needs))
    running: list[str] = []
    ended: dict[str, str] = {}
    failed: set[str] = set()
    while True:
        while len(running) < width and (task := frontier.take()) is not None:
            assert task.node not in ended
            assert all(ended[n] == "done" for n in task.needs)
            running.append(task.node)
        if not running:
            break
        node = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if data.draw(st.booleans()):
            ended[node] = "done"
            frontier.succeed(node)
        else:
            ended[node] = "failed"
            failed.add(node)
            for task, because in frontier.fail(node):
                assert task.node not in ended
                assert because == node
                ended[task.node] = "skipped"
    assert frontier.abandon(()) == []
    assert set(ended) == set(names)
    assert {n for n, how in ended.items() if how == "skipped"} == {n for f in failed for n in below(needs, f)} - failed
