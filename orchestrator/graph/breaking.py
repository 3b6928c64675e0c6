"""What a change takes away from somebody: columns that are gone, renamed or of another type, and who still reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.core.contract import enforced
from orchestrator.core.meaning import Use
from orchestrator.core.node import Column, ExposureBody, Node, SqlBody
from orchestrator.graph.compare import Change, Version
from orchestrator.graph.impact import Consequence

HANDED_ON = frozenset({"passed", "renamed"})
"""Uses that do nothing with a value: another type of it breaks whoever reads the result, if anybody."""


@dataclass(frozen=True, slots=True)
class Broken:
    """``node`` is no longer what ``reader`` (a node's id) relies on. ``sql[start:end]`` of the reader's query is where it says so, if it
    has one. ``owner`` is an exposure's.
    """

    node: str
    what: str
    reader: str
    start: int = -1
    end: int = -1
    owner: str = ""


def breaking(before: Version, after: Version, found: Iterable[Consequence]) -> tuple[Broken, ...]:
    """Everything that breaks, in the order of the changes. A reader that was changed to do without is not broken."""
    broken: list[Broken] = []
    for one in found:
        change = one.change
        name = after.graph.nodes.get(change.node, before.graph.nodes.get(change.node))
        if name is None:
            continue
        match change.category:
            case "removed":
                broken += _gone(before, after, name)
            case "column removed" | "column renamed":
                what = _lost(name, change)
                broken += [Broken(name.id, what, b.node, b.start, b.end) for b in one.breaks]
                broken += _shown(after, name, what)
            case "type changed" if not widens(change.before, change.after):
                what = f"`{name.name}.{change.column}` is {_type(change.after)} now, not {_type(change.before)}"
                broken += _retyped(before, after, name, change, what)
                broken += _shown(after, name, what)
            case _:
                pass
    for id_, node in after.graph.nodes.items():
        if id_ in before.graph.nodes and enforced(before.graph.nodes[id_].config):
            broken += _promised(before, after, node)
    return tuple(dict.fromkeys(broken))


def owner(body: object) -> str:
    """Whom to ask about an exposure: name and address, as far as it says."""
    if not isinstance(body, ExposureBody):
        return ""
    name, mail = str(body.owner.get("name") or ""), body.owner.get("email")
    mails = ", ".join(map(str, mail)) if isinstance(mail, list | tuple) else str(mail or "")
    return f"{name} <{mails}>" if name and mails else name or mails


_FAMILIES = (
    ("tinyint", "int1", "smallint", "int2", "integer", "int", "int4", "bigint", "int8", "int64", "hugeint", "int128"),
    ("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
    ("real", "float4", "float", "double", "double precision", "float8", "float64"),
    ("numeric", "bignumeric"),
    ("timestamp_s", "timestamp_ms", "timestamp", "timestamp_ns"),
)
_SAME = {"int1": "tinyint", "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint", "int64": "bigint"}
_TEXTS = frozenset({"varchar", "character varying", "text", "string", "char", "character"})


def widens(before: str, after: str) -> bool:
    """Whether every value of a type is one of the other, too, and does the same there: nobody who reads it notices.

    >>> widens("INTEGER", "BIGINT"), widens("BIGINT", "INTEGER"), widens("integer", "varchar")
    (True, False, False)
    >>> widens("DECIMAL(10,2)", "DECIMAL(18,2)"), widens("DECIMAL(18,2)", "DECIMAL(18,0)"), widens("varchar(10)", "text")
    (True, False, True)
    """
    (one, size), (other, room) = _apart(before), _apart(after)
    if one in _TEXTS and other in _TEXTS:
        return not room or (bool(size) and size[0] <= room[0])
    if one in ("decimal", "numeric") and other in ("decimal", "numeric"):
        if len(size) == 2 and len(room) == 2:
            return size[1] <= room[1] and size[0] - size[1] <= room[0] - room[1]
        return not room
    if size != room:
        return False
    return one == other or any(one in f and other in f and f.index(one) <= f.index(other) for f in _FAMILIES)


def _apart(type_: str) -> tuple[str, tuple[int, ...]]:
    found = re.fullmatch(r"([^()]+?)\s*(?:\(([\d\s,]+)\))?", type_.strip().casefold())
    if found is None:
        return type_.strip().casefold(), ()
    name = " ".join(found[1].split())
    return _SAME.get(name, name), tuple(int(n) for n in (found[2] or "").split(",") if n.strip())


def _type(name: str) -> str:
    return name.lower()


def _lost(node: Node, change: Change) -> str:
    if change.category == "column renamed":
        return f"`{node.name}.{change.before}` is called `{change.column}` now"
    return f"`{node.name}.{change.column}` is gone"


def _gone(before: Version, after: Version, node: Node) -> Iterator[Broken]:
    """Who still names a node that is gone, by its plain name: with `ref` the project would not even open."""
    for id_ in before.graph.children.get(node.id, ()):
        reader, was = after.graph.nodes.get(id_), before.graph.nodes[id_]
        if reader is None or reader.test_name is not None:
            continue
        body = after.graph.bodies.get(id_)
        if not isinstance(body, SqlBody):
            continue
        names = {written for written, target in was.links if target == node.id} - {written for written, _ in reader.links}
        place = next((r for r in body.query.reads if r.name in names), None)
        if place is not None:
            yield Broken(node.id, f"`{node.name}` is gone", id_, place.start, place.end)


def _retyped(before: Version, after: Version, node: Node, change: Change, what: str) -> Iterator[Broken]:
    """Who does something with the values of a column, and was not looked at again by its author."""
    for id_ in after.graph.children.get(node.id, ()):
        meaning, was = after.meanings.get(id_), before.graph.nodes.get(id_)
        if meaning is None or was is None or was.content != after.graph.nodes[id_].content:
            continue
        uses = [u for u in (*(u for c in meaning.columns for u in c.uses), *meaning.rows) if _is(u, node.id, change.column)]
        used = next((u for u in uses if u.kind not in HANDED_ON), None)
        if used is not None:
            yield Broken(node.id, what, id_, used.start, used.end)


def _is(use: Use, node: str, column: str) -> bool:
    return use.node == node and use.column.casefold() == column.casefold()


def _shown(after: Version, node: Node, what: str) -> Iterator[Broken]:
    """Exposures that read the node itself: which of its columns, nobody says, so it may be any."""
    for id_ in after.graph.children.get(node.id, ()):
        if after.graph.nodes[id_].kind == "exposure":
            yield Broken(node.id, what, id_, owner=owner(after.graph.bodies.get(id_)))


def _promised(before: Version, after: Version, node: Node) -> Iterator[Broken]:
    """What an enforced contract said and does not say any more."""
    old, new = _columns(before, node.id), _columns(after, node.id)
    if old and not enforced(node.config):
        yield Broken(node.id, f"the contract of `{node.name}` is not enforced any more", node.id)
        return
    for name, column in old.items():
        if name not in new:
            yield Broken(node.id, f"`{column.name}` is gone from the contract of `{node.name}`", node.id)
            continue
        was, now = column.data_type or "", new[name].data_type or ""
        if was and now and was.casefold() != now.casefold() and not widens(was, now):
            yield Broken(node.id, f"the contract of `{node.name}` says `{column.name}` is {_type(now)} now, not {_type(was)}", node.id)


def _columns(version: Version, id_: str) -> dict[str, Column]:
    body = version.graph.bodies.get(id_)
    return {c.name.casefold(): c for c in body.docs.columns} if body is not None else {}
