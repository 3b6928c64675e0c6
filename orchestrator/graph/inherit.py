"""What columns have from their ancestors: descriptions, tags, classes of personal data; and where such data reach the public.

=============  ==========================================================================================
what           goes along
=============  ==========================================================================================
description    a column that is one parent's column, passed or renamed; the nearest ancestor that has one wins,
               and parents that say different things leave the column without
tags           as descriptions do; those of several parents are united
classes        every use that carries values: also expressions, and aggregates that hand a value on (``max``,
               ``string_agg``), not those that make a statistic of many (``count``, ``avg``, ``sum``)
=============  ==========================================================================================

A column is classified by ``meta: {pii: true}`` or ``{pii: email}`` (also ``contains_pii: true``) and declassified by
``{pii: false}``; ``{inherit: false}`` keeps descriptions and tags of others away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Finding, Meaning, Output, Use
from orchestrator.core.node import Column, Node
from orchestrator.graph.lineage import TRACED, Point, called

PUBLIC = "public"
"""The tag (or true value under ``meta``) of a model that everybody may read."""

CARRYING = frozenset({"passed", "renamed", "transformed", "aggregated"})

STATISTICS = frozenset(
    {
        "count", "count_if", "countif", "approx_count_distinct", "approx_distinct", "approx_unique", "hll", "sum", "sum0", "fsum",
        "kahan_sum", "avg", "mean", "favg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "corr",
        "covar_pop", "covar_samp", "bool_and", "bool_or", "logical_and", "logical_or", "every", "entropy", "kurtosis", "skewness",
        "regr_slope", "regr_r2", "row_number",
    }
)  # fmt: skip
"""Functions that tell something about many values, and none of the values themselves."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """A value that a column has from ``origin``; ``own`` when that is the column itself."""

    value: str
    origin: Point
    own: bool = False


@dataclass(frozen=True, slots=True)
class Heritage:
    """What is told about a column, of its own or inherited.

    ``classes`` hold each class of personal data (``pii``, or what kind of it) with the first column that was given it;
    ``reason`` is why its author declassified what it inherits, ``None`` when nobody did.
    """

    description: Inherited | None = None
    tags: tuple[Inherited, ...] = ()
    classes: tuple[Inherited, ...] = ()
    reason: str | None = None


def inherit(graph: Graph, meanings: Mapping[str, Meaning]) -> dict[Point, Heritage]:
    """What each column has, of all nodes with columns, parents first; columns of which nothing is told are left out."""
    found: dict[Point, Heritage] = {}
    for id_ in graph.order:
        if graph.nodes[id_].kind not in TRACED:
            continue
        written = _written(graph, id_)
        meaning = meanings.get(id_)
        outputs = {o.name: o for o in meaning.columns} if meaning is not None else {}
        folded = {name.casefold(): name for name in outputs}
        declared = {folded.get(column.name.casefold(), column.name): column for column in written}
        for name in dict.fromkeys((*outputs, *declared)):
            one = _heritage(Point(id_, name), declared.get(name), outputs.get(name), found)
            if one != Heritage():
                found[Point(id_, name)] = one
    return found


def classified(graph: Graph, meanings: Mapping[str, Meaning]) -> tuple[tuple[str, Finding], ...]:
    """Personal data that reach a public model (S450), and columns that were declassified without a reason (S451).

    The place is that of the column in the model's SQL; the message leads through every hop from where the class was given.
    """
    found: list[tuple[str, Finding]] = []
    heritage = inherit(graph, meanings)
    for point, one in heritage.items():
        node = graph.nodes[point.node]
        output = _output(meanings, point)
        start, end = (output.start, output.end) if output is not None else (-1, -1)
        if one.reason == "":
            what = f"`{called(graph, point)}` is declassified (`pii: false`), and nobody says why"
            found.append((node.id, Finding("S451", what, start, end, "add the reason to its `meta`: `pii_reason: …`")))
        if one.classes and public(graph, node):
            kinds = ", ".join(dict.fromkeys(c.value for c in one.classes))
            ways = "\n".join(_way(graph, meanings, heritage, point, c.origin) for c in one.classes)
            what = f"`{called(graph, point)}` holds personal data ({kinds}), and `{node.name}` is public\n{ways}"
            hint = "leave the column out, or declassify it with a reason: `meta: {pii: false, pii_reason: …}`"
            found.append((node.id, Finding("S450", what, start, end, hint)))
    return tuple(found)


def public(graph: Graph, node: Node) -> bool:
    """Whether a node is marked for everybody: by the tag, or by ``meta: {public: true}``."""
    body = graph.bodies.get(node.id)
    metas = (node.config.get("meta") or {}, body.docs.meta if body is not None else {})
    return PUBLIC in node.tags or any(isinstance(m, Mapping) and m.get(PUBLIC) is True for m in metas)


def carries(use: Use, expression: str) -> bool:
    """Whether values of the column get through a use: not through statistics of many of them.

    >>> [carries(Use("n", "mail", "aggregated"), made) for made in ("count(distinct c.mail)", "max(mail)", "round(avg(mail))", "max(m)")]
    [False, True, False, True]
    """
    if use.kind not in CARRYING:
        return False
    mentions = list(_enclosing(expression, use.column))
    return use.kind != "aggregated" or not mentions or any(not STATISTICS.intersection(functions) for functions in mentions)


def _heritage(point: Point, column: Column | None, output: Output | None, above: Mapping[Point, Heritage]) -> Heritage:
    uses = [u for u in output.uses if u.node != point.node] if output is not None else []
    same = uses if uses and all(u.kind in ("passed", "renamed") for u in uses) else []
    meta: Mapping[str, Any] = column.meta if column is not None else {}
    parents = [above[Point(u.node, u.column)] for u in same if Point(u.node, u.column) in above] if meta.get("inherit") is not False else []
    classes, reason = _classes(point, meta, output, uses, above)
    return Heritage(_description(point, column, parents), _tags(point, column, parents), classes, reason)


def _description(point: Point, column: Column | None, parents: Iterable[Heritage]) -> Inherited | None:
    if column is not None and column.description.strip():
        return Inherited(column.description, point, own=True)
    said = {p.description.value.strip(): p.description for p in parents if p.description is not None}
    return Inherited(*_first(said.values())) if len(said) == 1 else None


def _first(found: Iterable[Inherited]) -> tuple[str, Point]:
    one = next(iter(found))
    return one.value, one.origin


def _tags(point: Point, column: Column | None, parents: Iterable[Heritage]) -> tuple[Inherited, ...]:
    own = [Inherited(tag, point, own=True) for tag in (column.tags if column is not None else ())]
    united = {t.value: t for t in (*(Inherited(t.value, t.origin) for p in parents for t in p.tags), *own)}
    return tuple({**{t.value: t for t in own}, **{v: t for v, t in united.items() if not t.own}}.values()) if united else ()


def _classes(
    point: Point, meta: Mapping[str, Any], output: Output | None, uses: Iterable[Use], above: Mapping[Point, Heritage]
) -> tuple[tuple[Inherited, ...], str | None]:
    """The classes of a column, and why it has none although its ancestors do."""
    said = meta.get("pii", meta.get("contains_pii"))
    expression = output.expression if output is not None else ""
    through = [c for u in uses if carries(u, expression) for c in getattr(above.get(Point(u.node, u.column)), "classes", ())]
    if said is False:
        return (), str(meta.get("pii_reason") or "").strip() if through else None
    own = [Inherited(kind, point, own=True) for kind in _kinds(said)]
    return tuple({(c.value, c.origin): c for c in (*own, *(Inherited(c.value, c.origin) for c in through))}.values()), None


def _kinds(said: Any) -> Iterator[str]:
    match said:
        case None | False:
            return
        case True:
            yield "pii"
        case list() | tuple():
            yield from map(str, said)
        case _:
            yield str(said)


def _enclosing(expression: str, column: str) -> Iterator[frozenset[str]]:
    """For each mention of a column, the functions it stands in, strings and comments left out."""
    functions: list[str] = []
    before = ""
    for token in re.finditer(r"'(?:[^']|'')*'|--[^\n]*|\"[^\"]*\"|`[^`]*`|\w+|[^\s\w]", expression):
        word = token[0]
        if word == "(":
            functions.append(before)
        elif word == ")":
            del functions[-1:]
        elif word.strip('"`').casefold() == column.casefold() and not word.startswith(("'", "--")):
            yield frozenset(functions)
        before = word.casefold() if not word.startswith("--") else before


def _written(graph: Graph, id_: str) -> tuple[Column, ...]:
    body = graph.bodies.get(id_)
    return body.docs.columns if body is not None else ()


def _output(meanings: Mapping[str, Meaning], point: Point) -> Output | None:
    meaning = meanings.get(point.node)
    return None if meaning is None else next((o for o in meaning.columns if o.name == point.column), None)


def _way(graph: Graph, meanings: Mapping[str, Meaning], heritage: Mapping[Point, Heritage], end: Point, origin: Point) -> str:
    """The hops that brought a class from where it was given, the origin first."""
    came: dict[Point, Point | None] = {end: None}
    waiting = [end]
    while waiting and origin not in came:
        at = waiting.pop(0)
        output = _output(meanings, at)
        for use in output.uses if output is not None else ():
            parent = Point(use.node, use.column)
            inside = parent in heritage and any(c.origin == origin for c in heritage[parent].classes)
            if inside and parent not in came and carries(use, output.expression if output is not None else ""):
                came[parent] = at
                waiting.append(parent)
    names: list[str] = []
    step: Point | None = origin if origin in came else end
    while step is not None:
        names.append(called(graph, step))
        step = came[step]
    return " → ".join(names)
