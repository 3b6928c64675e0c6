"""Google's own GoogleSQL analyzer and reference evaluator, in this process: the WebAssembly module of the wheel ``zetasql``.

Compiling the module takes half a minute; the result is kept in the user's cache folder, keyed by the module's text, wasmtime's
version and the machine. It is native code, so a file that anybody else could have written is never loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

UNIMPLEMENTED, INTERNAL = 12, 13
"""Status codes of what GoogleSQL cannot do, and of its own bugs."""

SERVICE = "ZetaSqlLocalService_"
"""What the module's functions are called, before the name of the remote procedure."""


class Unavailable(Exception):  # noqa: N818  it says what is the case, not what went wrong
    """GoogleSQL is not installed here; the message says how to get it."""


class Refused(Exception):  # noqa: N818  GoogleSQL's answer, not our failure
    """GoogleSQL does not accept a text, or cannot evaluate it; ``status`` is its (gRPC) status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def unsupported(self) -> bool:
        """Whether GoogleSQL knows the construct and cannot do it, rather than finding it wrong."""
        return self.status in {UNIMPLEMENTED, INTERNAL}


class Engine:
    """One instance of the module. Calls from several threads wait for each other."""

    def __init__(self, module: Any, engine: Any, zones: Path) -> None:
        self._parts = (module, engine, zones)
        self._lock = threading.Lock()
        self.generation = 0
        """How often it had to be started anew: catalogs registered before are gone."""
        self._instantiate()

    def _instantiate(self) -> None:
        import wasmtime

        module, engine, zones = self._parts
        self._store = wasmtime.Store(engine)
        system = wasmtime.WasiConfig()
        system.inherit_stderr()
        system.preopen_dir(str(zones), "/usr/share/zoneinfo")
        self._store.set_wasi(system)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        self._functions: dict[str, Any] = {}
        self._memory = self._exports["memory"]
        start = self._exports.get("_initialize")
        if start is not None:
            start(self._store)

    def call(self, name: str, request: Any, answer: type[Any]) -> Any:
        """Send one request message; the answer's message. Raises :class:`Refused`."""
        return answer.FromString(self.send(name, request.SerializeToString()))

    def send(self, name: str, request: bytes) -> bytes:
        """Send a serialised request; the serialised answer. Raises :class:`Refused`."""
        import wasmtime

        with self._lock:
            try:
                return self._send(name, request)
            except wasmtime.Trap as trap:  # a bug of GoogleSQL, or no memory left: this instance is broken
                self._instantiate()
                self.generation += 1
                raise Refused(INTERNAL, f"GoogleSQL crashed: {str(trap).splitlines()[-1].strip()}") from trap

    def _send(self, name: str, request: bytes) -> bytes:
        size_at = self._function("wasm_malloc")(self._store, 4)
        request_at = self._function("wasm_malloc")(self._store, max(len(request), 1))
        ctypes.memmove(self._base() + request_at, request, len(request))
        answer_at = self._function(SERVICE + name)(self._store, request_at, len(request), size_at)
        error = None if answer_at else _refused(self._error())
        size = int.from_bytes(ctypes.string_at(self._base() + size_at, 4), "little") if answer_at else 0
        answer = ctypes.string_at(self._base() + answer_at, size) if answer_at else b""
        for address in (request_at, size_at, *((answer_at,) if answer_at else ())):
            self._function("wasm_free")(self._store, address)
        if error is not None:
            raise error
        return answer

    def _error(self) -> str:
        size = self._function("wasm_get_last_error_size")(self._store)
        at = self._function("wasm_get_last_error")(self._store)
        return ctypes.string_at(self._base() + at, size).decode("utf-8", "replace") if size else "unknown error"

    def _base(self) -> int:
        """Where the module's memory begins; it may move when the module asks for more."""
        shared = type(self._memory).__name__ == "SharedMemory"
        pointer = self._memory.data_ptr() if shared else self._memory.data_ptr(self._store)
        return ctypes.addressof(pointer.contents)

    def _function(self, name: str) -> Any:
        if name not in self._functions:
            self._functions[name] = self._exports[name]
        return self._functions[name]


def start(folder: Path) -> Engine:
    """An engine, from the compiled module in ``folder`` (a cache of the user's own), or compiled and left there.

    Raises :class:`Unavailable`.
    """
    if find_spec("zetasql") is None or find_spec("wasmtime") is None:
        raise Unavailable("GoogleSQL is not installed: pip install 'sql-orchestrator[googlesql]'")
    import wasmtime

    config = wasmtime.Config()
    config.shared_memory = True
    engine = wasmtime.Engine(config)
    spec, zones = find_spec("zetasql"), find_spec("tzdata")
    source = next(Path(spec.origin).parent.glob("wasi/*.wasm"), None) if spec is not None and spec.origin else None
    if source is None:
        raise Unavailable("the wheel zetasql has no WebAssembly module for us")
    if zones is None or zones.origin is None:
        raise Unavailable("GoogleSQL needs time zones: pip install tzdata")
    return Engine(_module(engine, source, folder), engine, Path(zones.origin).parent / "zoneinfo")


def cache_folder(env: Mapping[str, str]) -> Path:
    """Where compiled modules are kept: ``ORC_GOOGLESQL_CACHE``, or the user's cache folder.

    >>> cache_folder({"XDG_CACHE_HOME": "/c"}).as_posix()
    '/c/orchestrator/googlesql'
    """
    if given := env.get("ORC_GOOGLESQL_CACHE"):
        return Path(given)
    base = Path(env["XDG_CACHE_HOME"]) if env.get("XDG_CACHE_HOME") else Path(env.get("HOME", "~")).expanduser() / ".cache"
    return base / "orchestrator" / "googlesql"


def _module(engine: Any, source: Path, folder: Path) -> Any:
    import wasmtime

    if not _private(folder):
        return wasmtime.Module.from_file(engine, str(source))
    key = hashlib.sha256(source.read_bytes())
    key.update(f"{version('wasmtime')} {platform.machine()} {platform.system()}".encode())
    kept = folder / f"{key.hexdigest()[:32]}.cwasm"
    with _alone(folder / "lock"):  # of several processes that begin at once, one compiles
        if _mine(kept):
            try:
                return wasmtime.Module.deserialize_file(engine, str(kept))
            except wasmtime.WasmtimeError:  # compiled for another processor, or damaged: as good as not there
                kept.unlink(missing_ok=True)
        module = wasmtime.Module.from_file(engine, str(source))
        _write(kept, module.serialize())
    return module


def _private(folder: Path) -> bool:
    """Whether ``folder`` is there, ours, and closed to everybody else (made so if it is new)."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            return False
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError:
        return False
    return True


def _mine(file: Path) -> bool:
    """Whether ``file`` is a plain file that nobody but us could have written."""
    try:
        found = file.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISREG(found.st_mode) and mine and not found.st_mode & 0o022


def _write(file: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; a full disk only costs the next start its time."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new")  # mode 0600
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock file; where there are no such locks, two may compile."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _refused(text: str) -> Refused:
    """GoogleSQL's error text, ``Code: 3, Message: …``, in its parts."""
    head, _, message = text.partition(", Message: ")
    code = head.removeprefix("Code: ")
    return Refused(int(code), message) if message and code.isdigit() else Refused(2, text)
