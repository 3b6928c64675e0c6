"""A comment beside each statement changes nothing but the text that is sent."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.ports import Answer
from orchestrator.execute.commented import Comment, Commented


class Listening:
    """Remembers what it is sent; refuses at the word ``nope``."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def execute(self, sql: str) -> Answer:
        self.said.append(sql)
        if "nope" in sql:
            raise ExecuteError(Problem("X102", "no such column"), position=sql.index("nope"))
        return Answer(affected=1)

    read = execute

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        self.said.append(sql)
        return (("a", "int"),)

    def begin(self) -> None:
        self.said.append("begin")


@pytest.mark.parametrize(("append", "sent"), [(False, "/* why */\nselect 1"), (True, "select 1\n/* why */")])
def test_each_statement_carries_the_comment(*, append: bool, sent: str) -> None:
    inner: Any = Listening()
    spoken = Commented(inner, Comment("why", append))
    assert spoken.execute("select 1").affected == 1
    spoken.read("select 1")
    spoken.begin()
    assert spoken.describe("select 1") == (("a", "int"),)
    assert inner.said == [sent, sent, "begin", "select 1"]


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("way", ["execute", "read"])
def test_positions_are_those_of_the_statement(way: str, *, append: bool) -> None:
    inner: Any = Listening()
    with pytest.raises(ExecuteError) as caught:
        getattr(Commented(inner, Comment("why", append)), way)("select nope")
    assert caught.value.position == 7
