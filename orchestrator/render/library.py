"""Macros and generic tests that come with us, as ``(package, path, text)``: the files of ``macros_sql/<package>/``, read when asked for."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("macros_sql")
PREFIX = "<orc>"
"""What the path of a file of ours begins with: no file of a project can be called so."""

BUILTIN: tuple[tuple[str, str, str], ...]
"""The files, read when the name is imported: a run that renders nothing does not pay for them (3 ms with their index)."""


def builtin(folder: Path = FOLDER) -> tuple[tuple[str, str, str], ...]:
    """Every macro file of ours, by package and name.

    >>> [path for package, path, text in builtin() if "macro star(" in text]
    ['<orc>/dbt_utils/columns.sql']
    """
    files = sorted(folder.glob("*/*.sql"))
    return tuple((f.parent.name, f"{PREFIX}/{f.parent.name}/{f.name}", f.read_text(encoding="utf-8")) for f in files)


def __getattr__(name: str) -> object:
    if name == "BUILTIN":
        return builtin()
    raise AttributeError(name)
