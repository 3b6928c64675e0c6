"""How much a finding matters: the project's word, its folders', the file's own, and what authors silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.node import Node
from orchestrator.core.noqa import Noqa, noqas
from orchestrator.core.rules import MART_FOLDERS, RULES, Severity, code_of, coded, default, severity_of, spoken

STALE = "S390"


@dataclass(frozen=True, slots=True)
class Policy:
    """The project's word: severities by code, mart folders, and the rules asked for (``None``: all)."""

    rules: Mapping[str, Severity] = field(default_factory=dict)
    marts: tuple[str, ...] = MART_FOLDERS
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding at its author's place: ``last`` is the line it ends on. ``alone`` says that it is about one node's own text."""

    problem: Problem
    last: int = 0


def policy(settings: Mapping[str, Any], only: Iterable[str] = ()) -> Policy:
    """The policy that ``lint:`` of the project file and ``--rules`` make together.

    Raises:
        UsageError: U040, a rule that does not exist.
    """
    rules = {code: severity for code, written in (settings.get("rules") or {}).items() if (severity := severity_of(written))}
    folders = settings.get("mart_folders")
    return Policy(rules, tuple(folders) if folders is not None else MART_FOLDERS, asked(only))


def asked(words: Iterable[str]) -> frozenset[str] | None:
    """The codes that words of ``--rules`` stand for: codes, names, beginnings of codes; ``None`` without words.

    >>> sorted(asked(["S30", "unused-noqa"]) or ())[-3:]
    ['S306', 'S307', 'S390']

    Raises:
        UsageError: U040.
    """
    found: set[str] = set()
    given = [word for text in words for word in text.replace(",", " ").split()]
    for word in given:
        begun = {code for code in RULES if code.startswith(word.upper())}
        code = code_of(word)
        if code is None and not begun:
            raise UsageError(
                Problem("U040", f"there is no rule `{word}`", None, did_you_mean(word, spoken(), also="docs/lint.md lists them"))
            )
        found |= begun or {str(code)}
    return frozenset(found) if given else None


def severity(policy: Policy, node: Node | None, code: str) -> Severity:
    """How much a rule matters at a node: its own config over its folders' over the project's over the default."""
    rule = RULES.get(code)
    if policy.only is not None and code not in policy.only:
        return "off"
    if rule is not None and rule.marts and (node is None or not in_mart(policy, node)):
        return "off"
    own = _own(node) if node is not None else {}
    said = severity_of(own[code]) if code in own else None
    return said or policy.rules.get(code) or default(code)


def in_mart(policy: Policy, node: Node) -> bool:
    """Whether a node is a model in one of the mart folders."""
    folders = {f.casefold() for f in policy.marts}
    return node.kind == "model" and any(part.casefold() in folders for part in node.fqn[1:-1])


def misnamed(node: Node) -> tuple[Problem, ...]:
    """What a node's ``lint`` config says that cannot be."""
    if not isinstance(node.config.get("lint") or {}, Mapping):
        return (Problem("U040", "`lint` must be a mapping from rules to severities", node.span, "lint={'S301': 'off'}", node=node.name),)
    found = []
    for word, written in _own(node).items():
        if code_of(str(word)) is None:
            hint = did_you_mean(str(word), spoken(), also="docs/lint.md lists them")
            found.append(Problem("U040", f"there is no rule `{word}`", node.span, hint, node=node.name))
        elif severity_of(written) is None:
            found.append(Problem("U040", f"`{word}` cannot be `{written}`", node.span, "one of error, warn, off", node=node.name))
    return tuple(found)


def _own(node: Node) -> Mapping[str, Any]:
    """A node's ``lint`` config; ``meta: {lint: …}`` is weaker, and says the same where dbt reads the project, too."""
    meta = node.config.get("meta")
    further = meta.get("lint") if isinstance(meta, Mapping) else None
    own = node.config.get("lint")
    return {**(coded(further) if isinstance(further, Mapping) else {}), **(own if isinstance(own, Mapping) else {})}


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of all findings, as problems with their severity, and how many were silenced by comments."""

    problems: tuple[Problem, ...]
    silenced: int = 0


def judging(
    doubts: Iterable[tuple[Node, Doubt]],
    policy: Policy,
    text: Callable[[str], str],
    whole: Mapping[str, Node],
    *,
    shared: bool = False,
) -> Judged:
    """Judge findings. ``text`` gives a file's text; ``whole`` are the files (with their node) all of whose findings are among ``doubts``.

    Only in those can a comment that silences nothing be told; ``shared`` says that comments without codes may be another tool's.
    """
    comments: dict[str, tuple[Noqa, ...]] = {path: noqas(text(path)) for path in whole}
    used: set[tuple[str, Noqa]] = set()
    kept: dict[tuple[object, ...], Problem] = {}
    silenced: set[tuple[object, ...]] = set()
    for node, doubt in doubts:
        found = severity(policy, node, doubt.problem.code)
        if found == "off":
            continue
        key = (doubt.problem.code, doubt.problem.span, doubt.problem.message)
        covering = [c for path, line in _lines(doubt) for c in _of(path, comments, text) if c[1].covers(doubt.problem.code, line)]
        if covering:
            used.update(covering)
            silenced.add(key)
            continue
        kept.setdefault(key, replace(doubt.problem, severity="error" if found == "error" else "warning"))
    stale = [p for path, node in whole.items() for c in comments[path] for p in _stale(path, node, c, (path, c) in used, policy, shared)]
    return Judged((*kept.values(), *stale), len(silenced))


def _lines(doubt: Doubt) -> list[tuple[str, int]]:
    """Where a comment may stand that silences a finding: on its lines, and at the calls that led to it."""
    span = doubt.problem.span
    if span is None:
        return []
    own = [(span.path, line) for line in range(span.line, max(doubt.last, span.line) + 1)]
    return [*own, *((place.path, place.line) for _, place in doubt.problem.trail)]


def _of(path: str, comments: dict[str, tuple[Noqa, ...]], text: Callable[[str], str]) -> list[tuple[str, Noqa]]:
    if path not in comments:
        comments[path] = noqas(text(path))
    return [(path, comment) for comment in comments[path]]


def _stale(path: str, node: Node, comment: Noqa, used: bool, policy: Policy, shared: bool) -> list[Problem]:
    found = severity(policy, node, STALE)
    if found == "off":
        return []
    span = Span(path, comment.line, comment.column, comment.length)
    level = "error" if found == "error" else "warning"
    wrong = [
        Problem(STALE, f"there is no rule `{word}`", span, did_you_mean(word, spoken()), severity=level, node=node.name)
        for word in comment.unknown
    ]
    judged = comment.codes is not None or (policy.only is None and not shared)
    active = comment.codes is None or any(severity(policy, node, code) != "off" for code in comment.codes)
    if not used and judged and active and comment.codes != ():
        wrong.append(Problem(STALE, "this `noqa` silences nothing", span, "delete it", severity=level, node=node.name))
    return wrong
