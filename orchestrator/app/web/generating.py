"""The documentation that `orc serve` shows, made anew when the project's files change: by a process of its own, beside the daemon."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.serve.site import Site

PLACE = Path(".orchestrator") / "site"
"""Where the data of the pages is, below the project's folder."""

LOOK = 1.0
"""Seconds between two looks whether anything is new."""


@dataclass
class Generating:
    """Keeps a site as the project is. ``files`` says which state its files are in; nothing is made before it is known."""

    root: Path
    site: Site
    files: Callable[[], int | None]
    say: Callable[[str], None]
    shared: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    _made: int | None = None
    _child: subprocess.Popen[bytes] | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="orc-site", daemon=True).start()

    def stop(self) -> None:
        """Make nothing more."""
        self._over.set()
        if self._child is not None:
            self._child.kill()

    def _run(self) -> None:
        while not self._over.wait(LOOK):
            files = self.files()
            if files is not None and files != self._made:
                self._made = files
                self.make()

    def make(self) -> None:
        """Make it now, and wait until it is there."""
        words = ["docs", "generate", *self.shared, "--offline", "--output", str(self.root / PLACE)]
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [sys.executable, "-m", "orchestrator", *words],
            cwd=self.root,
            env={**self.env, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        said = self._child.communicate()[1]
        code, self._child = self._child.returncode, None
        if self._over.is_set():
            return
        lines = said.decode(errors="replace").strip().splitlines()
        self.site.trouble = "\n".join(lines[:12]) if code else ""
        if code:
            self.say(f"the pages show the project as it was: {lines[0] if lines else f'docs generate ended with {code}'}")
