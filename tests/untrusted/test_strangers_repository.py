"""Two commits of a repository in which a stranger wrote whatever git can hold: nothing in it is obeyed, nothing is written elsewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.app.ci.revisions import judge_revisions
from orchestrator.app.ci.untrusted import Options
from orchestrator.core.errors import UsageError
from orchestrator.load.blobs import Most, blobs
from tests.untrusted.conftest import CANARY, SMALL

GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@a", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


@dataclass
class Repository:
    root: Path
    env: dict[str, str]

    def git(self, *words: str, given: bytes | None = None) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, env=self.env, input=given, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str], folder: str = "") -> str:
        for path, content in files.items():
            file = self.root / folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-qm", "x", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """A commit of a tree that git itself would never write: `(mode, name, content or object)`."""
        raw = b""
        for mode, name, content in entries:
            of = content if mode in ("40000", "160000") else self.git("hash-object", "-w", "--stdin", given=content.encode())
            raw += f"{mode} ".encode() + name.encode() + b"\0" + bytes.fromhex(of)
        tree = self.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", given=raw)
        return self.git("commit-tree", tree, "-m", "x")

    def subtree(self, *entries: tuple[str, str, str]) -> str:
        return self.git("rev-parse", f"{self.tree(*entries)}^{{tree}}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "shop"
    root.mkdir()
    (tmp_path / "home").mkdir()
    env = {**os.environ, **GIT, "HOME": str(tmp_path / "home"), "ORC_SECRET_CANARY": CANARY}
    found = Repository(root, env)
    found.git("init", "-q", "-b", "main")
    found.git("config", "core.fsmonitor", "false")
    return found


def written(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def test_two_commits_are_judged(repository: Repository) -> None:
    base = repository.commit({"models/orders.sql": "select 1 as id"})
    head = repository.commit({"models/orders.sql": "select 1 as id, 2 as amount"})
    (repository.root / "models/orders.sql").write_text("what is in the work tree does not count")
    found = judge_revisions(repository.root, base, head, Options(bounds=SMALL), repository.env)
    assert [(n.name, [c.category for c in n.changes]) for n in found.nodes] == [("orders", ["column added"])]
    assert (base.startswith(found.base), head.startswith(found.head), found.passes) == (True, True, True)


def test_filters_attributes_and_hooks_do_not_run(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    repository.commit({"models/a.sql": "select 1 as id\n", ".gitattributes": "*.sql filter=lfs diff=x text eol=crlf\n"})
    repository.git("config", "filter.lfs.smudge", f"sh -c 'touch {trap}; cat'")
    repository.git("config", "diff.x.textconv", f"sh -c 'touch {trap}; cat'")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        file = repository.root / ".git/hooks" / hook
        file.write_text(f"#!/bin/sh\ntouch {trap}\n")
        file.chmod(0o755)
    repository.git("config", "core.fsmonitor", f"touch {trap}; false")
    repository.git("checkout-index", "--prefix=" + str(tmp_path / "as-git-does") + "/", "-a")
    assert trap.exists(), "the trap works"
    trap.unlink()
    target, _, _ = blobs(repository.root, "HEAD", tmp_path / "out", repository.env)
    assert (target / "models/a.sql").read_bytes() == b"select 1 as id\n"
    assert not trap.exists()


def test_a_folder_that_looks_like_a_repository(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    bare = {
        "HEAD": "ref: refs/heads/main\n",
        "config": f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {trap}\n\trepositoryformatversion = 0\n",
        "objects/info/x": "",
        "refs/heads/x": "",
    }
    repository.commit({"models/a.sql": "select 1 as id", **bare}, "sub")
    with pytest.raises(UsageError) as caught:
        blobs(repository.root / "sub", "HEAD", tmp_path / "out", repository.env)
    assert caught.value.first.code == "U038"
    assert not trap.exists()


def test_names_that_climb_out_are_left_out(repository: Repository, tmp_path: Path) -> None:
    deep = repository.subtree(("100644", "evil.sql", "select 1"))
    up = repository.subtree(("40000", "..", deep))
    head = repository.tree(
        ("100644", "good.sql", "select 1 as id"),
        ("40000", "..", deep),
        ("40000", ".GIT", deep),
        ("40000", "models", up),
        ("100644", "a\\..\\b.sql", "select 1"),
        ("100644", "c:evil.sql", "select 1"),
        ("100644", "new\nline\x1b[2J.sql", "select 1"),
        ("100644", "x" * 300 + ".sql", "select 1"),
    )
    target, _, left_out = blobs(repository.root, head, tmp_path / "out" / "deep", repository.env)
    assert written(tmp_path / "out") == ["deep/shop/good.sql"]
    assert target == tmp_path / "out" / "deep" / "shop"
    assert {p.message.rsplit(": ", 1)[-1] for p in left_out} == {
        "its name leads elsewhere", "its name is one of git", "its name has control characters, or is not UTF-8", "its name is too long",
    }  # fmt: skip


def test_links_and_submodules_are_left_out(repository: Repository, tmp_path: Path) -> None:
    head = repository.tree(
        ("100644", "good.sql", "select 1 as id"),
        ("120000", "link", str(tmp_path)),
        ("160000", "other", "1" * 40),
        ("100644", "link2", "x"),
    )
    _, _, left_out = blobs(repository.root, head, tmp_path / "out", repository.env)
    assert written(tmp_path / "out") == ["shop/good.sql", "shop/link2"]
    assert sorted(p.message for p in left_out) == ["`link` is left out: it is a link", "`other` is left out: it is another repository"]


def test_a_link_and_a_folder_of_one_name_write_nowhere_else(repository: Repository, tmp_path: Path) -> None:
    inside = repository.subtree(("100644", "evil.sql", "select 1"))
    (tmp_path / "outside").mkdir()
    head = repository.tree(("120000", "models", str(tmp_path / "outside")), ("40000", "models", inside))
    blobs(repository.root, head, tmp_path / "out", repository.env)
    assert written(tmp_path / "outside") == []


def test_names_that_differ_in_case_only(repository: Repository, tmp_path: Path) -> None:
    head = repository.tree(("100644", "A.sql", "select 1"), ("100644", "a.sql", "select 2"))
    _, _, left_out = blobs(repository.root, head, tmp_path / "out", repository.env)
    assert written(tmp_path / "out") == ["shop/A.sql"]
    assert "`A.sql` has the same name" in left_out[0].message


def test_what_the_tool_itself_remembers_is_not_taken_over(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"models/a.sql": "select 1 as id", ".orchestrator/observed/dev.json": "{}", ".orchestrator/cache/x.db": "x"})
    blobs(repository.root, "HEAD", tmp_path / "out", repository.env)
    assert written(tmp_path / "out") == ["shop/models/a.sql"]


@pytest.mark.parametrize(("most", "says"), [(Most(files=1), "more than 1 files"), (Most(total=1 << 20), "more than 1 MB")])
def test_too_much(most: Most, says: str, repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a.sql": "x" * 900_000, "b.sql": "y" * 900_000})
    with pytest.raises(UsageError) as caught:
        blobs(repository.root, "HEAD", tmp_path / "out", repository.env, most)
    assert (caught.value.first.code, says in caught.value.first.message) == ("U070", True)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_too_large_is_left_out(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a.sql": "select 1", "b.sql": "y" * 2_000_000})
    _, _, left_out = blobs(repository.root, "HEAD", tmp_path / "out", repository.env, Most(file=1 << 20))
    assert [p.message for p in left_out] == ["`b.sql` is left out: it has more than 1 MB"]
    assert written(tmp_path / "out") == ["shop/a.sql"]


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-h", "nope", "HEAD; touch x", "HEAD^{tree}"])
def test_revisions_that_are_none(name: str, repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a.sql": "select 1"})
    with pytest.raises(UsageError) as caught:
        blobs(repository.root, name, tmp_path / "out", repository.env)
    assert caught.value.first.code == "U039"


def test_a_link_in_a_commit_never_reaches_the_judge(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "canary.sql").write_text(f"select '{CANARY}' as x")
    base = repository.commit({"models/orders.sql": "select 1 as id"})
    (repository.root / "models/evil.sql").symlink_to(tmp_path / "canary.sql")
    head = repository.commit({})
    found = judge_revisions(repository.root, base, head, Options(bounds=SMALL), repository.env)
    assert CANARY not in repr(found)
    assert found.nodes == ()
    assert [p.message for p in found.findings if p.code == "U070"] == ["`models/evil.sql` is left out: it is a link"]
