"""What a caged process says of a pull request, as JSON: written there, and believed here only as far as it has the shape it must have.

Whoever broke out of the template sandbox can say anything: nothing that is read here may be more than text of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar, cast, get_args

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.node import Kind
from orchestrator.core.review import Breaking, Changed, Review, Reviewed, What
from orchestrator.graph.compare import Category
from orchestrator.report.problems import printable, uncommanded

LONGEST = 4_000
"""Characters of one text; what is longer is cut."""

MOST = 20_000
"""Things in one list."""

_CODE = re.compile(r"[A-Z]\d{3}")
_SEVERITIES = ("error", "warning", "info")
_T = TypeVar("_T")


class Unbelievable(ValueError):  # noqa: N818 - judge() turns it into a Problem
    """What came back is not what a caged process of ours says."""


def encoded(review: Review) -> dict[str, Any]:
    """A review as JSON has it: the fields that :func:`believed` reads."""
    nodes = [{**{k: v for k, v in asdict(n).items() if k in _NODE}, "breaking": [_breaking(b) for b in n.breaking]} for n in review.nodes]
    problems = {name: [_problem(p) for p in getattr(review, name)] for name in ("findings", "blocking")}
    return {
        "project": review.project,
        "edges": review.edges,
        "target": review.target,
        "engine": review.engine,
        "exposures": review.exposures,
        "unaffected": review.unaffected,
        "nodes": nodes,
        **problems,
    }


def believed(value: Any) -> Review:
    """The review that JSON tells.

    Raises:
        Unbelievable: it has another shape.
    """
    it = _mapping(value)
    return Review(
        base="",
        head="",
        environment="",
        target=_text(it["target"]),
        engine=_text(it["engine"]),
        production="",
        nodes=_listed(it["nodes"], _reviewed),
        findings=_listed(it["findings"], problem),
        blocking=_listed(it["blocking"], problem),
        exposures=_listed(it["exposures"], _pair),
        unaffected=_listed(it["unaffected"], _text),
        project=_text(it["project"]),
        edges=_listed(it["edges"], _pair),
    )


_NODE = ("id", "name", "kind", "path", "what", "changes", "reason", "backfill", "parents", "line")


def _reviewed(value: Any) -> Reviewed:
    it = _mapping(value)
    return Reviewed(
        id=_text(it["id"]),
        name=_text(it["name"]),
        kind=_one_of(it["kind"], get_args(Kind)),
        path=_path(it["path"]),
        what=cast("What", _one_of(it["what"], get_args(What))),
        changes=_listed(it["changes"], _changed),
        breaking=_listed(it["breaking"], _broken),
        reason=_text(it["reason"]),
        backfill=_text(it["backfill"]),
        parents=_listed(it["parents"], _text),
        line=_number(it["line"]),
    )


def _changed(value: Any) -> Changed:
    it = _mapping(value)
    category = _one_of(it["category"], get_args(Category))
    return Changed(category, _text(it["column"]), _text(it["before"], lines=True), _text(it["after"], lines=True))


def _breaking(one: Breaking) -> dict[str, Any]:
    return {"what": one.what, "reader": one.reader, "owner": one.owner, "place": None if one.place is None else _problem(one.place)}


def _broken(value: Any) -> Breaking:
    it = _mapping(value)
    place = None if it["place"] is None else problem(it["place"])
    return Breaking(_text(it["what"]), _text(it["reader"]), place, _text(it["owner"]))


def _problem(one: Problem) -> dict[str, Any]:
    return {**asdict(one), "trail": [[what, asdict(span)] for what, span in one.trail]}


def problem(value: Any) -> Problem:
    """A problem that JSON tells. Raises as :func:`believed`."""
    it = _mapping(value)
    code = _text(it["code"])
    if not _CODE.fullmatch(code):
        raise Unbelievable("code")
    span = None if it["span"] is None else _span(it["span"])
    hint = None if it["hint"] is None else _text(it["hint"], lines=True)
    node = None if it["node"] is None else _text(it["node"])
    severity = _one_of(it["severity"], _SEVERITIES)
    return Problem(code, _text(it["message"], lines=True), span, hint, _listed(it["trail"], _step), severity, node)


def _step(value: Any) -> tuple[str, Span]:
    if not isinstance(value, list) or len(value) != 2:
        raise Unbelievable("trail")
    return _text(value[0]), _span(value[1])


def _span(value: Any) -> Span:
    it = _mapping(value)
    return Span(_path(it["path"]), *(_number(it[name]) for name in ("line", "column", "length")))


def _pair(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise Unbelievable("pair")
    return _text(value[0]), _text(value[1])


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unbelievable("mapping")
    return _Fields(value)


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        raise Unbelievable(key)


def _listed(value: Any, one: Callable[[Any], _T]) -> tuple[_T, ...]:
    if not isinstance(value, list) or len(value) > MOST:
        raise Unbelievable("list")
    return tuple(one(item) for item in value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise Unbelievable("number")
    return value


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise Unbelievable("word")
    return str(value)


def _text(value: Any, *, lines: bool = False) -> str:
    if not isinstance(value, str):
        raise Unbelievable("text")
    cut = value if len(value) <= LONGEST else value[:LONGEST] + "…"
    shown = printable(cut.encode("utf-8", "replace").decode())  # JSON may hold halves of characters, which nobody can print
    return uncommanded(shown if lines else shown.replace("\n", "\\n"))


def _path(value: Any) -> str:
    """A path inside the project; any other is nobody's business."""
    shown = _text(value)
    parts = shown.replace("\\", "/").split("/")
    return "?" if shown.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", shown) else shown
