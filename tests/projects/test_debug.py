"""`orc debug`: for each thing that can be wrong with a profile, what to do about it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli import commands  # noqa: F401  registers them
from orchestrator.cli.main import orc

OUTPUT = "p: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}"


def debug(folder: Path, profiles: str | None, *arguments: str, **env: str) -> Result:
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "a.sql").write_text("select 1 as x")
    if profiles is not None:
        (folder / "profiles.yml").write_text(profiles)
    given = {"HOME": str(folder / "home"), "ORC_PROFILES_DIR": None, "DBT_PROFILES_DIR": None, **env}
    return CliRunner().invoke(orc, ["debug", "--project-dir", str(folder), *arguments], obj={}, env=given, standalone_mode=False)


@pytest.mark.parametrize(
    ("profiles", "arguments", "what", "advice"),
    [
        (OUTPUT, ("--profile", "nope"), "profile: the profile `nope` is not in profiles.yml", "it has: p"),
        (OUTPUT, ("--target", "dve"), "profile: the profile `p` has no target `dve`", "did you mean `dev`?"),
        (OUTPUT.replace("duckdb,", "duckbd,"), (), "profile: `duckbd` is not an engine", "did you mean `duckdb`?"),
        (OUTPUT.replace("type: duckdb, ", ""), (), "profile: the output `dev` needs the key `type`", "one of duckdb"),
        (OUTPUT.replace("path:", "pth:"), (), "profile `p`, target `dev`: `pth` is not a key", "did you mean `path`?"),
        (OUTPUT[:-1], (), "profile: the `{` opened here is not closed", "add `}`"),
        ("p:\n\ttarget: dev", (), "profile: a tab is used for indentation", "replace the tab"),
        (OUTPUT.replace("w.duckdb", "none/w.duckdb"), (), "connection: the folder of", "create it"),
        (OUTPUT.replace("w.duckdb", "models"), (), "is a folder", "name a file in it"),
        (OUTPUT.replace("w.duckdb", "models/a.sql"), (), "is not a DuckDB database", "correct `path`"),
        (OUTPUT.replace("w.duckdb", "\"{{ env_var('ORC_NO_SUCH') }}\""), (), "variable `ORC_NO_SUCH` is not set", "export ORC_NO_SUCH"),
        (OUTPUT.replace("w.duckdb}", "w.duckdb, settings: {memory_limt: 1GB}}"), (), '"memory_limt"', "see `settings`"),
        (OUTPUT + "\n" + OUTPUT.replace("p:", "q:"), (), "does not say which profile", "pass --profile: p, q"),
        (None, ("--profiles-dir", "/no/such"), "no profiles.yml in `/no/such`", "leave --profiles-dir out"),
        (None, ("--profile", "p"), "there is no profiles.yml", "write a profiles.yml"),
        (OUTPUT, ("--vars", "[1]"), "project: --vars is a mapping", "--vars '{"),
    ],
)
def test_what_is_wrong_and_what_to_do(tmp_path: Path, profiles: str | None, arguments: tuple[str, ...], what: str, advice: str) -> None:
    done = debug(tmp_path, profiles, *arguments)
    wrong = done.output[done.output.index("ERROR  ") :]
    assert what in wrong
    assert f"       hint: {advice}" in wrong or advice in wrong[wrong.index("hint:") :]
    assert "Something is wrong" in wrong
    assert done.return_value == 1


def test_all_is_well(tmp_path: Path) -> None:
    done = debug(tmp_path, OUTPUT)
    assert done.return_value == 0
    assert "OK     profile: p, from profiles.yml" in done.output
    assert "OK     target: dev: duckdb, schema main, 1 thread" in done.output
    assert done.output.rstrip().endswith("All checks passed.")
    only = debug(tmp_path, OUTPUT, "--connection").output.splitlines()
    assert only[0] == "OK     connection: duckdb answers"


def test_without_profiles_the_embedded_file_is_used(tmp_path: Path) -> None:
    done = debug(tmp_path, None)
    assert done.return_value == 0
    assert "OK     profile: no profiles.yml: the embedded DuckDB" in done.output


def test_secrets_are_stars(tmp_path: Path) -> None:
    secret = "{{ env_var('ORC_SECRET_FILE') }}"
    done = debug(tmp_path, OUTPUT.replace("w.duckdb", f'"{secret}"'), ORC_SECRET_FILE=str(tmp_path / "hunter2222.duckdb"))
    assert "hunter" not in done.output
    assert "  path: ****" in done.output
    addressed = debug(tmp_path, OUTPUT.replace("w.duckdb", "postgres://ann:hunter4444@host/db?token=hunter5555"))
    assert "hunter" not in addressed.output


def test_a_locked_file_names_its_holder(tmp_path: Path) -> None:
    program = f"import duckdb, time; c = duckdb.connect({str(tmp_path / 'w.duckdb')!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            done = debug(tmp_path, OUTPUT)
            assert done.return_value == 1
            assert f"is in use by process {holder.pid}" in done.output
            assert "--lock-timeout" in done.output
        finally:
            holder.kill()
    until = time.monotonic() + 10
    while debug(tmp_path, OUTPUT).return_value and time.monotonic() < until:
        time.sleep(0.1)
    assert debug(tmp_path, OUTPUT).return_value == 0


def test_a_place_for_history_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator").write_text("a file, not a folder")
    done = debug(tmp_path, OUTPUT)
    assert done.return_value == 1
    assert f"ERROR  folder: no permission to write in {tmp_path / '.orchestrator'}" in done.output
