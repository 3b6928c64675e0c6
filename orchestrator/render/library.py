"""Macros that come with us, as ``(package, path, text)``."""

from __future__ import annotations

BUILTIN: tuple[tuple[str, str, str], ...] = ()
