"""The caged process: reads a job, locks itself in, examines two trees, answers in JSON, ends."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn


def start() -> NoReturn:
    """The entry: the job is on standard input, the last argument is the descriptor to answer on."""
    answers = int(sys.argv[-1])
    job = json.load(sys.stdin.buffer)
    from orchestrator.execute.cage.bounds import Bounds
    from orchestrator.execute.cage.cage import cage

    bounds = Bounds(**job["bounds"])
    held = cage(bounds, (job["job"]["root"], job["job"]["base"], job["job"]["profiles"]))
    # Said before anything of a stranger's is read: nobody can make us say it differently.
    _say(answers, {"held": held})
    text = _answer(job["job"], bounds.answer)
    _send(answers, text)
    os._exit(0)


def _answer(job: dict[str, Any], most: int) -> bytes:
    from orchestrator.execute.cage.bounds import Bounds

    try:
        from orchestrator.app.ci.answer import encoded
        from orchestrator.app.ci.examined import Job, examined
        from orchestrator.app.ci.measured import measured
        from orchestrator.core.review import Review

        limits = Bounds(**job.pop("limits"))
        wrong = [*measured(job["root"], limits), *measured(job["base"], limits)]
        review = Review("", "", "", "", "", "", blocking=tuple(wrong)) if wrong else examined(Job(**job))
        text = json.dumps({"review": encoded(review)}).encode()
    except MemoryError:
        return b'{"stopped": "memory"}'
    except RecursionError:
        return b'{"stopped": "depth"}'
    except Exception as error:  # noqa: BLE001 - whatever it was, a stranger's text made it: its kind is all that may be told
        return json.dumps({"crashed": type(error).__name__}).encode()
    return text if len(text) <= most else b'{"stopped": "answer"}'


def _say(answers: int, value: object) -> None:
    _send(answers, json.dumps(value).encode())


def _send(answers: int, text: bytes) -> None:
    rest = memoryview(text + b"\n")
    while rest:
        rest = rest[os.write(answers, rest) :]
