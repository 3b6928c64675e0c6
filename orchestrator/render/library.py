"""Macros and generic tests that come with us, as ``(package, path, text)``: the files of ``macros_sql/<package>/``, read when asked for."""

from __future__ import annotations

from os import listdir

FOLDER = __file__.removesuffix("library.py") + "macros_sql"
PREFIX = "<orc>"
"""What the path of a file of ours begins with: no file of a project can be called so."""

BUILTIN: tuple[tuple[str, str, str], ...]
"""The files, read when the name is imported: a run that renders nothing does not pay for them (2 ms with their index)."""


def builtin(folder: str = FOLDER) -> tuple[tuple[str, str, str], ...]:
    """Every macro file of ours, by package and name.

    >>> [path for package, path, text in builtin() if "macro star(" in text]
    ['<orc>/dbt_utils/columns.sql']
    """
    # listdir and open: with pathlib the same takes 4 ms
    files = [(package, name) for package in sorted(listdir(folder)) for name in sorted(listdir(f"{folder}/{package}"))]  # noqa: PTH208 - see above
    return tuple((package, f"{PREFIX}/{package}/{name}", _text(f"{folder}/{package}/{name}")) for package, name in files)


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - see above
        return file.read()


def __getattr__(name: str) -> object:
    if name == "BUILTIN":
        return builtin()
    raise AttributeError(name)
