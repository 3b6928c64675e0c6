"""The caged process may be anybody's by the time it answers: what it says is text of bounded length, or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.app.ci.answer import LONGEST, Unbelievable, believed, encoded
from orchestrator.app.ci.untrusted import _heard, _understood
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.review import Breaking, Changed, Review, Reviewed
from orchestrator.execute.cage.bounds import Bounds

PROBLEM = Problem("S101", "no column", Span("models/a.sql", 3, 4, 2), "a hint", (("called from", Span("macros/m.sql", 1)),), node="a")
NODE = Reviewed(
    "model.p.a", "a", "model", "models/a.sql", "modified", (Changed("column removed", "x", "1", "2"),), (Breaking("x is gone", "b", PROBLEM, "team"),),
    parents=("model.p.z",), line=2,
)  # fmt: skip
REVIEW = Review(
    "",
    "",
    "",
    "dev",
    "duckdb",
    "",
    (NODE,),
    (),
    (PROBLEM,),
    (PROBLEM,),
    (("e", "o"),),
    ("model.p.c",),
    project="p",
    edges=(("model.p.a", "model.p.b"),),
)


def said(review: Review) -> Any:
    return json.loads(json.dumps(encoded(review)))


def test_there_and_back() -> None:
    assert believed(said(REVIEW)) == REVIEW


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": None},
        {"nodes": "x"},
        {"nodes": [1]},
        {"nodes": [{}]},
        {"findings": [{**encoded(REVIEW)["findings"][0], "code": "<script>"}]},
        {"findings": [{**encoded(REVIEW)["findings"][0], "severity": "fine"}]},
        {"findings": [{**encoded(REVIEW)["findings"][0], "span": {"path": "a", "line": -1, "column": 1, "length": 1}}]},
        {"findings": [{**encoded(REVIEW)["findings"][0], "span": {"path": "a", "line": True, "column": 1, "length": 1}}]},
        {"nodes": [{**encoded(REVIEW)["nodes"][0], "what": "trusted"}]},
        {"nodes": [{**encoded(REVIEW)["nodes"][0], "kind": "pwned"}]},
        {"nodes": [{**encoded(REVIEW)["nodes"][0], "changes": [{"category": "none", "column": "", "before": "", "after": ""}]}]},
        {"target": 1},
        {"exposures": [["a"]]},
        {"unaffected": ["x"] * 30_000},
    ],
)
def test_another_shape_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(Unbelievable):
        believed({**said(REVIEW), **json.loads(json.dumps(change))})


@pytest.mark.parametrize("name", list(encoded(REVIEW)))
def test_nothing_may_be_missing(name: str) -> None:
    with pytest.raises(Unbelievable):
        believed({k: v for k, v in said(REVIEW).items() if k != name})


def test_nothing_may_be_said_of_builds_and_data() -> None:
    forged = said(REVIEW)
    forged["nodes"][0] |= {"rebuilt": True, "status": "passed", "rows": [1, 1]}
    forged |= {"production": "all is well", "tests": [{"name": "x"}], "command": "rm -rf"}
    found = believed(forged)
    assert (found.nodes[0].rebuilt, found.nodes[0].status, found.production, found.tests, found.command) == (False, None, "", (), "")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "a/../../x", "C:/x", "..\\x"])
def test_places_outside_are_not_told(path: str) -> None:
    found = believed(said(replace(REVIEW, nodes=(replace(NODE, path=path),), findings=(replace(PROBLEM, span=Span(path)),))))
    assert found.nodes[0].path == "?"
    assert found.findings[0].span is not None
    assert found.findings[0].span.path == "?"


def test_texts_are_cut_and_cannot_steer() -> None:
    evil = "x\n::error::y\n\u202edlrow \x1b[2J\ud800" + "z" * LONGEST
    found = believed(said(replace(REVIEW, nodes=(replace(NODE, name=evil),), findings=(replace(PROBLEM, message=evil),))))
    message = found.findings[0].message
    assert len(message) < LONGEST + 100
    assert message.encode()
    assert not any(line.lstrip().startswith("::") for line in message.splitlines())
    assert not {"\x1b", "\u202e"} & set(message)
    assert "\n" not in found.nodes[0].name


LAYERS = b'{"held": ["python"]}\n'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "U071"),
        (b"garbage", "U071"),
        (LAYERS, "U071"),
        (LAYERS + b"[]", "U071"),
        (LAYERS + b"null", "U071"),
        (LAYERS + b"[" * 100_000, "U071"),
        (LAYERS + b'{"review": 1}', "U071"),
        (LAYERS + b'{"crashed": "\\u001b[31m ::error::"}', "U071"),
        (LAYERS + b'{"stopped": "memory"}', "U070"),
        (LAYERS + b'{"stopped": "by hand"}', "U071"),
    ],
)
def test_answers_that_are_none(answer: bytes, code: str) -> None:
    _, found = _understood(answer, "", 0, Bounds())
    assert [p.code for p in found.blocking] == [code]
    assert not found.passes
    assert "\x1b" not in repr(found.blocking[0].message)


def test_a_flood_is_cut_off() -> None:
    """A process that never stops talking fills no memory of ours."""
    answers, theirs = os.pipe()
    flood = "import os, sys\nwhile True: os.write(int(sys.argv[1]), b'x' * 65536)"
    process = subprocess.Popen(
        [sys.executable, "-c", flood, str(theirs)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=(theirs,)
    )
    os.close(theirs)
    try:
        assert _heard(process, answers, b"{}", Bounds(seconds=20, answer=1 << 20)) == (b"", "answer")
    finally:
        process.kill()
        process.wait()
        os.close(answers)


def test_the_layers_are_those_said_first() -> None:
    forged = LAYERS + json.dumps({"held": ["limits", "system calls"], "review": said(REVIEW)}).encode()
    assert _understood(forged, "", 0, Bounds())[0] == ("python",)


@pytest.mark.parametrize(("code", "says"), [(-signal.SIGXCPU, "computed longer than 90 seconds"), (-signal.SIGKILL, "the system ended it")])
def test_the_end_of_cpu_time(code: int, says: str) -> None:
    assert says in _understood(LAYERS, "", code, Bounds())[1].blocking[0].message


def test_a_crash_names_its_signal() -> None:
    assert "SIGSEGV" in _understood(LAYERS, "", -signal.SIGSEGV, Bounds())[1].blocking[0].message
