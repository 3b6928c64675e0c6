"""The files on disk: which are seen, which are refused, and when content is read again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ConfigError
from orchestrator.core.files import digest
from orchestrator.load.tree import DiskTree

LATER = 60_000_000_000


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"-- {name}")


def tree(root: Path, *folders: str, **more: object) -> DiskTree:
    return DiskTree(root, now_ns=time.time_ns(), folders=folders or ("models",), **more)  # type: ignore[arg-type]


def problems(root: Path, *folders: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        tree(root, *folders)
    return [(p.code, p.message) for p in caught.value.problems]


def test_only_configured_folders_and_files_beside_them(tmp_path: Path) -> None:
    write(tmp_path, "dbt_project.yml", "models/b.sql", "models/a/x.sql", "other/c.sql", "models/.hidden/d.sql", "models/.e.sql", ".env")
    write(
        tmp_path, "models/node_modules/f.sql", "models/venv/g.sql", "models/env/pyvenv.cfg", "models/env/h.sql", "models/__pycache__/i.pyc"
    )
    assert list(tree(tmp_path).paths()) == ["dbt_project.yml", "models/a/x.sql", "models/b.sql"]
    assert list(tree(tmp_path, "other", "./models/a/", "missing").paths()) == ["dbt_project.yml", "models/a/x.sql", "other/c.sql"]


def test_the_whole_root_may_be_configured(tmp_path: Path) -> None:
    write(tmp_path, "a.sql", "x/b.sql", "target/c.sql")
    assert list(tree(tmp_path, ".", skip=("target",)).paths()) == ["a.sql", "x/b.sql"]


def test_links_inside_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write(tmp_path, "models/real/a.sql", "shared/b.sql")
    (tmp_path / "models/again").symlink_to(tmp_path / "shared")
    (tmp_path / "models/real/loop").symlink_to(tmp_path / "models")
    (tmp_path / "models/real/self").symlink_to(tmp_path / "models/real")
    (tmp_path / "models/c.sql").symlink_to(tmp_path / "shared/b.sql")
    assert list(tree(tmp_path).paths()) == ["models/again/b.sql", "models/c.sql", "models/real/a.sql"]


def test_links_that_chase_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "models/x").mkdir(parents=True)
    (tmp_path / "models/y").mkdir()
    (tmp_path / "models/x/to_y").symlink_to(tmp_path / "models/y")
    (tmp_path / "models/y/to_x").symlink_to(tmp_path / "models/x")
    write(tmp_path, "models/x/a.sql")
    assert set(tree(tmp_path).paths()) == {"models/x/a.sql", "models/y/to_x/a.sql"}


def test_links_that_lead_out_or_nowhere_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(root, "models/a.sql")
    write(tmp_path, "outside/b.sql")
    (root / "models/out").symlink_to(tmp_path / "outside")
    (root / "models/file.sql").symlink_to(tmp_path / "outside/b.sql")
    (root / "models/gone.sql").symlink_to(tmp_path / "nothing")
    (root / "beside.sql").symlink_to(tmp_path / "outside/b.sql")
    assert sorted(problems(root)) == [
        ("C503", "`models/file.sql` is a link that leads outside the project"),
        ("C503", "`models/gone.sql` is a link that leads nowhere"),
        ("C503", "`models/out` is a link that leads outside the project"),
    ]


@pytest.mark.parametrize("folder", ["../x", "..", "/tmp", "models/../../x"])
def test_folders_outside_are_refused(folder: str, tmp_path: Path) -> None:
    assert problems(tmp_path, folder) == [("C503", f"the folder `{folder}` is outside the project")]


def test_a_linked_folder_outside_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "outside/a.sql")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/models").symlink_to(tmp_path / "outside")
    assert problems(tmp_path / "project") == [("C503", "`models` is a link that leads outside the project")]


def test_pipes_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "models/a.sql")
    os.mkfifo(tmp_path / "models/b.sql")
    assert list(tree(tmp_path).paths()) == ["models/a.sql"]


def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/models/\xff.sql")).write_text("")
    except OSError:
        pytest.skip("this file system takes no such names")
    assert problems(tmp_path)[0][0] == "C504"


def test_what_may_not_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "models/a.sql", "models/shut/b.sql")
    listing = os.scandir

    def refusing(path: str) -> Any:  # permissions do not stop root, who runs tests in containers
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert problems(tmp_path) == [("C501", "cannot read `models/shut`: Permission denied")]


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    write(tmp_path, "models/a.sql")
    found = tree(tmp_path)
    (tmp_path / "models/a.sql").unlink()
    with pytest.raises(ConfigError, match=r"cannot read `models/a\.sql`: No such file or directory"):
        found.bytes("models/a.sql")
    with pytest.raises(FileNotFoundError):
        found.bytes("models/b.sql")


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_digest_names_the_content(size: int, tmp_path: Path) -> None:
    write(tmp_path, "seeds/a.csv")
    (tmp_path / "seeds/a.csv").write_bytes(b"x" * size)
    found = tree(tmp_path, "seeds")
    assert found.digest("seeds/a.csv") == digest(b"x" * size)
    assert found.bytes("seeds/a.csv") == b"x" * size
    assert Path(found.where("seeds/a.csv")).read_bytes() == b"x" * size


def test_settled_content_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "models/a.sql")
    before = DiskTree(tmp_path, now_ns=time.time_ns() + LATER, folders=("models",))
    before.digest("models/a.sql")
    facts, _ = before.stats()["models/a.sql"]
    after = DiskTree(tmp_path, {"models/a.sql": (facts, "as remembered")}, now_ns=time.time_ns(), folders=("models",))
    assert after.digest("models/a.sql") == "as remembered"


def test_content_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    """Two writes within one tick of the clock look alike: a digest taken between them must not be kept."""
    write(tmp_path, "models/a.sql")
    found = tree(tmp_path)
    found.digest("models/a.sql")
    assert found.stats() == {}


def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "models/a.sql")
    path = tmp_path / "models/a.sql"
    before = DiskTree(tmp_path, now_ns=time.time_ns() + LATER, folders=("models",))
    old = before.digest("models/a.sql")
    times = path.stat()
    path.write_text("-- models/b.sql")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert DiskTree(tmp_path, before.stats(), now_ns=time.time_ns(), folders=("models",)).digest("models/a.sql") != old


@pytest.mark.parametrize("name", ["a\nb.sql", "a\x1b[2J.sql", "a\u202eb.sql", "a\u2028b.sql"])
def test_names_that_steer_a_terminal_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_text("select 1")
    with pytest.raises(ConfigError) as caught:
        DiskTree(tmp_path, now_ns=0, folders=["models"])
    assert [p.code for p in caught.value.problems] == ["C504"]
    assert name not in caught.value.first.message
