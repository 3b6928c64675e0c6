"""Models in any language: a program that reads tables from files and writes one; we give it the files and wait for its end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.execute.child.faults import Fault

if TYPE_CHECKING:
    import pyarrow as pa

AGAIN = 75
"""The exit code of a program that asks to be tried again (``EX_TEMPFAIL`` of sysexits.h)."""

FORMATS = ("parquet", "csv")


def program(words: tuple[str, ...], tables: Mapping[str, Any], form: str) -> pa.Table:
    """Run a program in the project's folder; the table it wrote.

    The file of each table is in ``ORC_INPUT_<NAME>``, where to write is in ``ORC_OUTPUT``. What the program prints is in the run's log.

    Raises:
        Fault: X210, there is no such program; X211, it failed, or wrote no table. With exit code 75 it asks to be tried again.
    """
    if form not in FORMATS:
        raise Fault("X203", f"`format={form!r}` is none of {' and '.join(FORMATS)}")
    if not words:
        raise Fault("X203", "ctx.command() needs the program and its arguments", 'ctx.command("Rscript", "features.R")')
    with tempfile.TemporaryDirectory(prefix="orc-") as folder:
        result = Path(folder, f"output.{form}")
        env = {**os.environ, "ORC_OUTPUT": str(result)}
        for name, table in tables.items():
            path = Path(folder, f"{name}.{form}")
            _write(table.arrow(), path, form)
            env[f"ORC_INPUT_{name.upper()}"] = str(path)
        try:
            done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - the author's program is the model
        except OSError as error:
            hint = "install it, or name it with its path; it is looked for on PATH, from the project's folder"
            raise Fault("X210", f"`{words[0]}` cannot be run: {error.strerror}", hint) from None
        if done.returncode:
            raise _failed(words[0], done.returncode)
        if not result.is_file():
            raise Fault("X211", f"`{words[0]}` wrote no table", "it is to be written to the file that ORC_OUTPUT names")
        return _read(result, form, words[0])


def _failed(name: str, code: int) -> Fault:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    fault = Fault("X211", f"`{name}` {how}", "`orc logs last` has what it printed")
    if code == AGAIN:
        fault.after = 0.0
    return fault


def _write(table: pa.Table, path: Path, form: str) -> None:
    if form == "csv":
        import pyarrow.csv

        pyarrow.csv.write_csv(table, path)
    else:
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)


def _read(path: Path, form: str, name: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    try:
        return pyarrow.csv.read_csv(path) if form == "csv" else pyarrow.parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise Fault("X211", f"`{name}` wrote no {form} that can be read: {str(error).splitlines()[0]}") from None
