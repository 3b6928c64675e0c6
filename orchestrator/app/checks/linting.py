"""Static checks of a project: what its queries say, led to the lines their authors wrote, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.app import Workspace, chosen
from orchestrator.app.checks.promised import promised
from orchestrator.app.checks.styling import styled, stylist
from orchestrator.app.columns.meanings import meanings
from orchestrator.app.opening import text_of
from orchestrator.core.errors import ConfigError, OrcError, ParseError, Problem, UsageError
from orchestrator.core.files import Span
from orchestrator.core.meaning import Finding, Meaning
from orchestrator.core.node import Node, Query, SqlBody
from orchestrator.core.plan import Request
from orchestrator.graph.inherit import classified
from orchestrator.graph.judging import Doubt, Judged, Policy, judging, misnamed, policy, severity


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found, in how many queries, and of which nodes the text is not known (with the reason).

    ``unread`` queries are of a kind that sqlfluff cannot read.
    """

    problems: tuple[Problem, ...]
    judged: int
    silenced: int
    unjudged: tuple[tuple[str, str], ...]
    unread: int = 0

    @property
    def failed(self) -> bool:
        """Whether an error is among the problems."""
        return any(p.severity == "error" for p in self.problems)


def lint(workspace: Workspace, request: Request, paths: Iterable[str] = (), only: Iterable[str] = (), *, style: bool = False) -> Linted:
    """Check the selected models, snapshots, analyses and singular tests; ``paths`` narrows them to files and folders.

    ``style`` asks sqlfluff, too.

    Raises:
        OrcError: a rule or a path that does not exist.
    """
    rules = policy(workspace.project.settings.lint, only)
    ids = chosen_nodes(workspace, request, tuple(paths))
    nodes = list(_nodes(workspace, ids))
    wrong = [problem for node, _ in nodes for problem in misnamed(node)]
    if wrong:
        raise ConfigError(*wrong)
    judge = stylist(workspace) if style else None
    known = meanings(workspace)
    doubts = list(_across(workspace, ids, known))
    unjudged: list[tuple[str, str]] = []
    whole: dict[str, Node] = {}
    unread = 0
    for node, body in nodes:
        try:
            doubts += [(node, doubt) for doubt in _doubts(workspace, node, body, known.get(node.id), rules)]
        except _UnknownText as why:
            unjudged.append((node.name, str(why)))
        else:
            if node.path.endswith(".sql") and node.kind != "snapshot":
                whole[node.path] = node
                if judge is not None:
                    said = styled(workspace, node, body, judge)
                    doubts += [(node, doubt) for doubt in said or ()]
                    unread += said is None

    def text(path: str) -> str:
        try:
            return text_of(workspace.project, path)
        except ParseError:
            return ""

    found: Judged = judging(doubts, rules, text, whole, shared=_shared(workspace.invocation.root))
    return Linted(found.problems, len(nodes) - len(unjudged), found.silenced, tuple(unjudged), unread)


class _UnknownText(Exception):  # noqa: N818 - lint() counts it
    """A query whose text is known only when it runs, or that is not to be parsed."""


def chosen_nodes(workspace: Workspace, request: Request, paths: tuple[str, ...]) -> frozenset[str]:
    """The ids that a selection and paths leave."""
    ids = chosen(workspace, request)
    return ids & within(workspace, paths) if paths else ids


def _across(workspace: Workspace, ids: frozenset[str], known: Mapping[str, Meaning]) -> Iterator[tuple[Node, Doubt]]:
    """What only the whole graph tells: promises that are not kept, and where personal data go."""
    yield from promised(workspace, ids, known)
    for id_, finding in classified(workspace.graph, known):
        if id_ in ids:
            node = workspace.graph.nodes[id_]
            body = workspace.graph.bodies[id_]
            if isinstance(body, SqlBody) and not body.late:
                yield from ((node, doubt) for doubt in _led(workspace, node, body.query, [finding]))
            else:
                yield node, Doubt(Problem(finding.code, finding.message, node.span, finding.hint, node=node.name))


def _nodes(workspace: Workspace, ids: frozenset[str]) -> Iterator[tuple[Node, SqlBody]]:
    """What is to be checked, with its query; generic tests are macros of somebody else."""
    graph = workspace.graph
    for id_ in graph.order:
        node = graph.nodes[id_]
        if id_ in ids and node.kind in ("model", "snapshot", "analysis", "test") and node.test_name is None and node.language == "sql":
            body = graph.bodies[id_]
            if isinstance(body, SqlBody):
                yield node, body


def within(workspace: Workspace, paths: tuple[str, ...]) -> frozenset[str]:
    """The nodes of files and folders: written there, described there, or made with a macro that is written there."""
    wanted = [at for path in paths if (at := _relative(workspace, path)) is not None]

    def named(path: str | None) -> bool:
        return path is not None and any(w in (PurePosixPath(path), *PurePosixPath(path).parents) for w in wanted)

    graph = workspace.graph
    macros = {id_ for id_, path in graph.macros.items() if named(path)}
    described = any(w.suffix in (".yml", ".yaml") or w.suffix == "" for w in wanted)
    found = set()
    for id_, node in graph.nodes.items():
        if named(node.path):
            found.add(id_)
        elif macros or described:
            body = graph.bodies[id_]
            if isinstance(body, SqlBody) and (named(body.docs.patch_path) or macros.intersection(body.macros)):
                found.add(id_)
    return frozenset(found)


def _relative(workspace: Workspace, path: str) -> PurePosixPath | None:
    """A path of the command line, from the project's root; ``None`` for what is elsewhere: hooks name all files of a repository.

    Raises:
        UsageError: U041, nothing is there.
    """
    root = workspace.invocation.root.resolve()
    there = [given for given in (Path(path).resolve(), (root / path).resolve()) if given.exists()]
    if not there:
        hint = "a path from here, or from the project's root"
        raise UsageError(Problem("U041", f"there is no file or folder `{path}`", None, hint))
    return next((PurePosixPath(given.relative_to(root).as_posix()) for given in there if given.is_relative_to(root)), None)


def _shared(root: Path) -> bool:
    """Whether comments without codes may be meant for sqlfluff."""
    if (root / ".sqlfluff").exists():
        return True
    try:
        return b"[tool.sqlfluff" in (root / "pyproject.toml").read_bytes()
    except OSError:
        return False


def _doubts(workspace: Workspace, node: Node, body: SqlBody, meaning: Meaning | None, rules: Policy) -> Iterator[Doubt]:
    """What is doubtful about a node's queries, at the places their author wrote.

    Of two faces, what is unused in one may be used in the other: that counts only when both say it of the same place.
    """
    if body.late:
        raise _UnknownText("its text is known only when it runs")
    found = meaning.findings if meaning is not None else ()
    if meaning is None or not (meaning.complete or meaning.columns):  # nothing may be known because nobody could read it
        found = tuple(dict.fromkeys([*found, *_read(body.query, workspace)]))
    found = tuple(f for f in found if severity(rules, node, f.code) != "off")
    whole = list(_led(workspace, node, body.query, [f for f in found if not f.incremental]))
    if body.incremental is None:
        yield from whole
        return
    other = list(_led(workspace, node, body.incremental, [f for f in found if f.incremental]))
    both = {(d.problem.code, d.problem.span) for d in whole} & {(d.problem.code, d.problem.span) for d in other}
    same = body.incremental.sql == body.query.sql
    for doubt in dict.fromkeys([*whole, *other]):
        if same or doubt.problem.code != UNUSED or (doubt.problem.code, doubt.problem.span) in both:
            yield doubt


UNUSED = "S301"


def _led(workspace: Workspace, node: Node, query: Query, found: Sequence[Finding]) -> Iterator[Doubt]:
    """Findings at the places their author wrote; the template is rendered again only when there are some."""
    if not found:
        return
    place = workspace.places(node.id, incremental=found[0].incremental)
    for one in found:
        if one.start < 0:
            yield Doubt(Problem(one.code, one.message, node.span, one.hint, node=node.name))
            continue
        span, trail = place(one.start)
        last, _ = place(max(one.end - 1, one.start))
        length = _length(workspace, span, query.sql[one.start : one.end])
        problem = Problem(one.code, one.message, Span(span.path, span.line, span.column, length), one.hint, trail, node=node.name)
        yield Doubt(problem, last.line if last.path == span.path else span.line)


def _read(query: Query, workspace: Workspace) -> tuple[Finding, ...]:
    """What is doubtful about a query's text alone."""
    from orchestrator.sql.parse import Malformed, syntax
    from orchestrator.sql.structure import structure

    try:
        tree = syntax(query.sql, workspace.dialect.sqlglot)
    except Malformed:
        raise _UnknownText("its SQL is not understood") from None
    return structure(tree, query)


def _length(workspace: Workspace, span: Span, written: str) -> int:
    """How much of a template's line a piece of rendered SQL covers: as far as both say the same, or the whole expression that made it."""
    line = _line(workspace, span)[span.column - 1 :]
    same = 0
    for ours, theirs in zip(line, written, strict=False):
        if ours != theirs or ours == "\n":
            break
        same += 1
    if same == 0 and line.startswith("{{"):
        same = line.find("}}") + 2
    return max(same, 1)


def _line(workspace: Workspace, span: Span) -> str:
    try:
        lines = text_of(workspace.project, span.path).split("\n")
    except OrcError:
        return ""
    return lines[span.line - 1] if span.line <= len(lines) else ""
