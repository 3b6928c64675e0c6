"""SQL files made tidy, each only when it is proved that its query stays what it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app import Workspace
from orchestrator.app.checks.linting import within
from orchestrator.core.errors import OrcError
from orchestrator.core.node import Node, SqlBody

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Formatted:
    """What became of the files: those that are (or would be) changed with their new text, those left alone and why, how many were fine."""

    changed: tuple[tuple[str, str, str], ...]
    left: tuple[tuple[str, str], ...]
    fine: int


def formatting(workspace: Workspace, paths: Iterable[str] = ()) -> Formatted:
    """Tidy the SQL files of models, analyses and singular tests; nothing is written yet.

    A file is changed only when both texts render to the same words with the same configuration, in each of its faces, and when
    the templates themselves differ in whitespace and keyword case alone.

    Raises:
        OrcError: a path that does not exist.
    """
    from orchestrator.sql.tidy import Untidy, quoting, same, tidy

    quotes = quoting(workspace.dialect.sqlglot)
    case = workspace.project.settings.format.get("keywords", "lower")
    changed: list[tuple[str, str, str]] = []
    left: list[tuple[str, str]] = []
    fine = 0
    for node, body in _files(workspace, tuple(paths)):
        raw = workspace.raw(node.id)
        try:
            new = tidy(raw, quotes, case)
        except Untidy as why:
            left.append((node.path, f"{why} is in it"))
            continue
        if new == raw:
            fine += 1
        elif body.late:
            left.append((node.path, "its text is known only when it runs"))
        elif not same(raw, new, quotes) or not _equal(workspace, node, raw, new):
            left.append((node.path, "its query could not be proved to stay the same"))
        else:
            changed.append((node.path, raw, new))
    return Formatted(tuple(changed), tuple(left), fine)


def write(root: Path, found: Formatted) -> None:
    """Put the new texts into their files: each is the old one or the new one at any time."""
    for path, _, new in found.changed:
        target = root / path
        mark = BOM if target.read_bytes().startswith(BOM) else b""
        beside = target.with_name(f".{target.name}.orc")
        beside.write_bytes(mark + new.encode())
        shutil.copymode(target, beside)
        beside.replace(target)


def _files(workspace: Workspace, paths: tuple[str, ...]) -> Iterator[tuple[Node, SqlBody]]:
    graph = workspace.graph
    wanted = within(workspace, paths) if paths else frozenset(graph.nodes)
    for id_ in graph.order:
        node = graph.nodes[id_]
        written = node.kind in ("model", "analysis", "test") and node.test_name is None and node.path.endswith(".sql")
        if id_ in wanted and written:
            body = graph.bodies[id_]
            if isinstance(body, SqlBody):
                yield node, body


def _equal(workspace: Workspace, node: Node, before: str, after: str) -> bool:
    """Whether two templates say the same: configuration, dependencies, and the words of every face."""
    from orchestrator.render.render import render_one
    from orchestrator.sql.parse import Malformed, parse

    declaration, dialect = workspace.declaration(node.id), workspace.dialect
    try:
        one, other = (render_one(workspace.templates, declaration, text) for text in (before, after))
        words = [
            None if text is None else parse(text, dialect.sqlglot, dialect.quote_char).canon
            for text in (one.text, other.text, one.incremental, other.incremental)
        ]
    except (OrcError, Malformed):
        return False
    return words[0] == words[1] and words[2] == words[3] and (one.config, one.depends_on) == (other.config, other.depends_on)
