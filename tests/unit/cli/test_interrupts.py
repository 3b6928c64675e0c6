"""Ctrl-C once, twice, and twice by accident."""

from __future__ import annotations

import pytest

from orchestrator.cli.interrupts import ECHO_SECONDS, Interrupts


class Time:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_outside_of_a_run_the_first_raises_and_the_second_leaves() -> None:
    time, left = Time(), list[int]()
    interrupts = Interrupts(time, left.append)
    with pytest.raises(KeyboardInterrupt):
        interrupts(2, None)
    time.at += 5
    interrupts(2, None)
    assert left == [130]


def test_during_a_run_the_first_asks_and_the_second_leaves() -> None:
    time, left, asked = Time(), list[int](), list[float]()
    interrupts = Interrupts(time, left.append)
    with interrupts.during(lambda: asked.append(time.at)):
        interrupts(2, None)
        assert (asked, left) == ([100.0], [])
        time.at += 2
        interrupts(15, None)
    assert (asked, left) == ([100.0], [143])


def test_the_echo_of_the_first_is_not_a_second() -> None:
    time, left, asked = Time(), list[int](), list[float]()
    interrupts = Interrupts(time, left.append)
    with interrupts.during(lambda: asked.append(time.at)):
        interrupts(2, None)
        time.at += ECHO_SECONDS / 2
        interrupts(2, None)
    assert (len(asked), left) == (1, [])


def test_after_the_run_the_first_raises_again() -> None:
    interrupts = Interrupts(Time(), lambda _code: None)
    with interrupts.during(lambda: None):
        pass
    with pytest.raises(KeyboardInterrupt):
        interrupts(2, None)
