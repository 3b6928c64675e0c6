"""Each fence of the cage by itself: Python's is left out, and native code tries what the system must refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="these fences are Linux's; elsewhere Python's own and the limits hold")

PRELUDE = """
import ctypes, errno, os, sys
sys.path.insert(0, sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
parent = os.getppid()
names = ("socket", "open", "fork", "kill", "unlink", "mkdir", "execv", "ptrace", "connect", "syscall", "creat", "rename")
call = {name: getattr(libc, name) for name in names}

def tries(name, *arguments):
    ctypes.set_errno(0)
    found = call[name](*arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if found < 0 else "done"

def says(*words):
    os.write(1, (" ".join(words) + "\\n").encode())
"""


def tried(script: str, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", PRELUDE + script, str(ROOT), *arguments],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@LINUX
def test_system_calls_are_filtered(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    script = """
from orchestrator.execute.cage.calls import calls
import threading
assert calls(), "no filter"
there = sys.argv[2].encode()
says(tries("socket", 2, 1, 0), tries("socket", 1, 1, 0), tries("fork"), tries("kill", parent, 0), tries("unlink", there), tries("execv", b"/bin/true", None))
says(tries("ptrace", 16, parent, 0, 0), tries("open", there, 1), tries("open", there, 0o100, 0o600), tries("creat", there, 0o600), tries("rename", there, there))
says(tries("syscall", 425, 1, 0), tries("syscall", 435, 0, 0), tries("syscall", 437, 0, 0, 0, 0), tries("syscall", 434, parent, 0), tries("open", there, 0))
thread = threading.Thread(target=lambda: says("thread")); thread.start(); thread.join()
"""
    assert tried(script, str(tmp_path / "f")) == [*["EPERM"] * 6, *["EPERM"] * 5, "EPERM", "ENOSYS", "ENOSYS", "EPERM", "done", "thread"]
    assert (tmp_path / "f").read_text() == "x"


@LINUX
def test_files_outside_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_text("x")
    (tmp_path / "out").write_text("x")
    script = """
from orchestrator.execute.cage.paths import paths
inside, outside = sys.argv[2].encode(), sys.argv[3].encode()
if not paths([sys.argv[2]]):
    says("none"); sys.exit()
says(tries("open", inside + b"/f", 0), tries("open", outside, 0), tries("open", inside + b"/f", 1), tries("open", b"/etc/passwd", 0))
says(tries("open", b"/proc/%d/environ" % parent, 0), tries("unlink", inside + b"/f"), tries("mkdir", inside + b"/d", 0o700))
"""
    said = tried(script, str(tmp_path / "in"), str(tmp_path / "out"))
    if said == ["none"]:
        pytest.skip("this kernel has no Landlock")
    assert said == ["done", "EACCES", "EACCES", "EACCES", "EACCES", "EACCES", "EACCES"]


@LINUX
def test_the_parents_environment_is_out_of_reach(tmp_path: Path) -> None:
    """Without the fence around files: capabilities gone, and the parent not to be looked into."""
    script = """
import subprocess
from orchestrator.execute.cage.powers import private
inner = '''
import ctypes, os, sys
sys.path.insert(0, sys.argv[1])
from orchestrator.execute.cage.powers import network, powers
network()
powers()
try:
    open(f"/proc/{os.getppid()}/environ", "rb").read()
    print("read")
except OSError:
    print("refused")
'''
with private():
    says("private" if libc.prctl(3, 0, 0, 0, 0) == 0 else "open")
    done = subprocess.run([sys.executable, "-I", "-B", "-c", inner, sys.argv[1]], capture_output=True, text=True)
says(done.stdout.strip() or done.stderr[-300:])
says(str(libc.prctl(3, 0, 0, 0, 0)))
"""
    assert tried(script, env={"ORC_SECRET_CANARY": "x"}) == ["private", "refused", "1"]


def test_limits_are_set_for_good() -> None:
    script = """
import resource
from orchestrator.execute.cage.bounds import Bounds, bound
assert not bound(Bounds(cpu=7, memory=1 << 30))
for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NPROC"):
    says(*map(str, resource.getrlimit(getattr(resource, name))))
"""
    assert tried(script) == ["7", "8", str(1 << 30), str(1 << 30), "0", "0", "0", "0", "0", "0"]


def test_python_itself_refuses(tmp_path: Path) -> None:
    """What is left on a system without any of Linux's fences."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_text("x")
    (tmp_path / "out").write_text("x")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    script = """
import socket, subprocess, shutil
from orchestrator.execute.cage.guard import guard
inside, outside = sys.argv[2], sys.argv[3]
guard([inside])
tests = [
    lambda: open(inside + "/f").close(), lambda: open(outside), lambda: open(inside + "/link"), lambda: open(inside + "/../out"),
    lambda: open(inside + "/new", "w"), lambda: os.open(inside + "/new", os.O_CREAT), lambda: os.listdir("/"), lambda: socket.socket(),
    lambda: socket.getaddrinfo("localhost", 80), lambda: subprocess.run(["true"]), lambda: os.system("true"), lambda: os.fork(),
    lambda: os.remove(inside + "/f"), lambda: os.kill(parent, 0), lambda: ctypes.CDLL(None), lambda: shutil.rmtree(inside),
]
for one in tests:
    try:
        one(); says("done")
    except PermissionError:
        says("refused")
"""
    assert tried(script, str(tmp_path / "in"), str(tmp_path / "out")) == ["done", *["refused"] * 15]
    assert (tmp_path / "in" / "f").exists()


def test_all_layers_hold_together_and_none_is_claimed_that_does_not(tmp_path: Path) -> None:
    script = """
sys.addaudithook = lambda hook: None  # Python's own fence would refuse before the system is asked
from orchestrator.execute.cage.bounds import Bounds
from orchestrator.execute.cage.cage import LAYERS, cage
held = cage(Bounds(), [sys.argv[2]])
assert set(held) <= set(LAYERS)
says("system" if "system calls" in held else "-", tries("socket", 2, 1, 0), "files" if "files" in held else "-", tries("open", b"/etc/passwd", 0))
"""
    said = tried(script, str(tmp_path))
    assert said[1] == ("EPERM" if said[0] == "system" else "done")
    assert said[3] == ("EACCES" if said[2] == "files" else "done")
    if sys.platform == "linux":
        assert said[0] == "system", "every Linux has this one"
