"""Judge a pull request whose author nobody trusts: its files are read by a process that can do nothing else, and nothing is built."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.app.ci.answer import Unbelievable, believed
from orchestrator.app.ci.placeholders import placeholders
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.review import Review
from orchestrator.execute.cage.bounds import MEGABYTE, Bounds
from orchestrator.execute.cage.cage import LAYERS
from orchestrator.execute.cage.powers import private


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. ``profiles_dir`` is a folder that the operator trusts; ``engine`` does without any profile.

    ``allowed`` are the names of environment variables that templates may see; secrets never are among them.
    """

    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    engine: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    allow_breaking: bool = False
    bounds: Bounds = field(default_factory=Bounds)


def judge(root: Path, base_root: Path, options: Options, env: Mapping[str, str]) -> Review:
    """What the project at ``root`` changes of the one at ``base_root``: the pull request's files, and those it is to be merged into.

    Never raises for what these files contain: that they cannot be read, or are too much for the limits, is in ``blocking``. Of what
    comes back, base, head, environment and command are for the caller to fill in.

    Raises:
        ProfileError: the operator's profiles.yml cannot be read.
        UsageError: U071, this system cannot limit a process.
    """
    if os.name != "posix":
        raise UsageError(Problem("U071", "this system cannot limit what a process does", None, "`--untrusted` runs on Linux and macOS"))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orc-untrusted-") as folder:
        profile, target = placeholders(Path(folder), base_root, options.profiles_dir, options.profile, options.target, options.engine, env)
        job = {
            "root": os.path.realpath(root),
            "base": os.path.realpath(base_root),
            "profiles": os.path.realpath(folder),
            "profile": profile,
            "target": target,
            "vars": dict(options.vars),
            "env": allowed(env, options.allowed),
            "allow_breaking": options.allow_breaking,
            "limits": asdict(options.bounds),
        }
        with private():
            held, review = _asked(job, options.bounds)
    findings = (*review.findings, *_unheld(held))
    told = f"nothing was built or compared with production: the code is not trusted (held by: {', '.join(held) or 'nothing'})"
    return replace(review, findings=findings, production=told, seconds=time.monotonic() - started)


def allowed(env: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """The environment that templates may see: the variables of these names, without those that are secrets.

    >>> allowed({"REGION": "eu", "ORC_SECRET_KEY": "hunter2", "GITHUB_TOKEN": "x"}, ("REGION", "ORC_SECRET_KEY", "MISSING"))
    {'REGION': 'eu'}
    """
    from orchestrator.core.project import SECRET_PREFIXES

    return {name: env[name] for name in names if name in env and not name.startswith(SECRET_PREFIXES)}


def _unheld(held: tuple[str, ...]) -> tuple[Problem, ...]:
    missing = [layer for layer in LAYERS if layer not in held]
    if not missing or not held:
        return ()
    hint = "give this job no secrets and a token that can only read: docs/untrusted.md"
    return (
        Problem(
            "U073", f"this system does not give every layer of the sandbox: without {', '.join(missing)}", None, hint, severity="warning"
        ),
    )


_BOOT = "import sys; sys.path.extend(sys.argv[1].split(chr(0x1f))); from orchestrator.app.ci.sandboxed import start; start()"


def _asked(job: Mapping[str, Any], bounds: Bounds) -> tuple[tuple[str, ...], Review]:
    """Start the caged process, wait as long as it may take, and believe what it says as far as that goes."""
    answers, theirs = os.pipe()
    empty = tempfile.mkdtemp(prefix="orc-empty-")
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [sys.executable, "-I", "-B", "-c", _BOOT, chr(0x1F).join(_places()), str(theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what it prints is a stranger's, or has paths of this machine in it
            pass_fds=(theirs,),
            start_new_session=True,
            cwd=empty,
            env={"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
        )
    finally:
        os.close(theirs)
    try:
        said, stopped = _heard(process, answers, json.dumps({"job": job, "bounds": asdict(bounds)}).encode(), bounds)
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        os.close(answers)
        shutil.rmtree(empty, ignore_errors=True)
    return _understood(said, stopped, code, bounds)


def _places() -> list[str]:
    """Where this process imports from; nothing relative, which would be a stranger's folder."""
    return [path for path in sys.path if path and os.path.isabs(path) and os.path.exists(path)]  # noqa: PTH110, PTH117


def _heard(process: subprocess.Popen[bytes], answers: int, job: bytes, bounds: Bounds) -> tuple[bytes, str]:
    """All that is said until the end, the timeout or the limit of size; which of the latter it was."""
    end = time.monotonic() + bounds.seconds
    said = bytearray()
    if process.stdin is None:
        raise AssertionError("we asked for a pipe")
    with suppress(BrokenPipeError):
        process.stdin.write(job)
        process.stdin.close()
    with selectors.DefaultSelector() as ready:
        ready.register(answers, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if not ready.select(min(left, 1.0)):
                continue
            piece = os.read(answers, 1 << 16)
            if not piece:
                return bytes(said), ""
            said += piece
            if len(said) > bounds.answer + (1 << 16):
                return b"", "answer"
    return bytes(said), "time"


def _understood(said: bytes, stopped: str, code: int, bounds: Bounds) -> tuple[tuple[str, ...], Review]:
    first, _, rest = said.partition(b"\n")
    held: tuple[str, ...] = ()
    try:
        held = tuple(layer for layer in json.loads(first)["held"] if layer in LAYERS)
        if stopped:
            return held, _stopped(stopped, bounds)
        if code in (-signal.SIGXCPU, -signal.SIGKILL) and not rest:
            return held, _stopped("cpu" if code == -signal.SIGXCPU else "killed", bounds)
        answer = json.loads(rest)
        if answer.get("stopped") in ("memory", "depth", "answer"):
            return held, _stopped(answer["stopped"], bounds)
        if "crashed" in answer:
            return held, _lost(f"{answer['crashed']}"[:60] if str(answer["crashed"]).isidentifier() else "an error")
        return held, believed(answer["review"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if stopped:
            return held, _stopped(stopped, bounds)
        why = "its answer is not one of ours" if isinstance(error, Unbelievable) else f"it ended without an answer ({_ending(code)})"
        return held, _lost(why)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _stopped(limit: str, bounds: Bounds) -> Review:
    words = {
        "time": f"it ran longer than {bounds.seconds:g} seconds",
        "cpu": f"it computed longer than {bounds.cpu} seconds",
        "killed": "the system ended it, for want of memory or because it computed too long",
        "memory": f"it needed more memory than {bounds.memory // MEGABYTE:,} MB",
        "depth": "something is nested too deep",
        "answer": f"its report is larger than {bounds.answer // MEGABYTE} MB",
    }
    hint = "look for a template, SQL or YAML in the pull request that grows without end; after a review, run without `--untrusted`"
    return _blocked(Problem("U070", f"the pull request's files were not understood within the limits: {words[limit]}", None, hint))


def _lost(why: str) -> Review:
    hint = "look at the pull request with care: a file in it did what none should"
    return _blocked(Problem("U071", f"the process that reads the pull request's files failed: {why}", None, hint))


def _blocked(problem: Problem) -> Review:
    return Review("", "", "", "", "", "", findings=(problem,), blocking=(problem,))
