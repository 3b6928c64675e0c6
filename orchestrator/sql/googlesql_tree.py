"""GoogleSQL's parse tree: finding things in it, and the places in the text that they stand for (offsets in UTF-8 bytes)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """A place where a statement names a table: ``text[start:end]``; ``alias`` says whether it gives it another name."""

    start: int
    end: int
    parts: tuple[str, ...]
    alias: bool
    travels: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Its parts, with dots inside backticks taken apart.

        >>> Path(0, 9, ("a.b", "c"), False).names
        ('a', 'b', 'c')
        """
        return tuple(name for part in self.parts for name in part.split("."))


@dataclass(frozen=True, slots=True)
class Splice:
    """A text with pieces replaced, that knows where each position came from."""

    text: bytes
    edits: tuple[tuple[int, int, bytes], ...] = ()

    def piece(self, start: int = 0, end: int | None = None) -> str:
        """The text between two offsets, with what is replaced in it.

        >>> Splice(b"from a, b", ((5, 6, b"x.a"),)).piece(5)
        'x.a, b'
        """
        end = len(self.text) if end is None else end
        out, at = [], start
        for left, right, new in self.edits:
            if start <= left and right <= end:
                out += [self.text[at:left], new]
                at = right
        return b"".join([*out, self.text[at:end]]).decode()

    def origin(self, offset: int) -> int:
        """Where in the given text an offset of ``piece()`` comes from."""
        shift = 0
        for left, right, new in self.edits:
            if offset < left + shift:
                break
            if offset < left + shift + len(new):
                return left
            shift += len(new) - (right - left)
        return offset - shift

    def place(self, line: int, column: int, start: int = 0) -> tuple[int, int]:
        """Line and column in the given text, of those in ``piece(start)``."""
        sent = self.piece(start).encode()
        later = tuple((left - start, right - start, new) for left, right, new in self.edits if left >= start)
        return position(self.text, Splice(self.text[start:], later).origin(offset(sent, line, column)) + start)


def leaf(node: Any) -> Any:
    """What an ``Any…`` message holds: the node itself.

    A message of another kind is returned as it is.
    """
    while type(node).__name__.startswith("Any"):
        held = node.WhichOneof("node")
        if held is None:
            return node
        node = getattr(node, held)
    return node


def kind(node: Any) -> str:
    """A node's name without the decoration of messages: ``ASTQueryStatement``."""
    return type(node).__name__.removesuffix("Proto")


def span(node: Any) -> tuple[int, int]:
    """Where a node stands in the text."""
    node = leaf(node)
    while "parse_location_range" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return node.parse_location_range.start, node.parse_location_range.end


def within(node: Any, name: str) -> Any:
    """A field of a node, or of one of the kinds of node that it is a case of; ``None`` where it is not set."""
    node = leaf(node)
    while True:
        fields = node.DESCRIPTOR.fields_by_name
        if name in fields:
            field = fields[name]
            return getattr(node, name) if field.is_repeated or not field.has_presence or node.HasField(name) else None
        if "parent" not in fields:
            raise AssertionError(f"no {name} in {kind(node)}")
        node = node.parent


def children(node: Any) -> Iterator[Any]:
    """The messages directly inside a message."""
    for field, value in node.ListFields():
        if field.message_type is None:
            continue
        if field.is_repeated:
            yield from value
        else:
            yield value


def find(node: Any, wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """All nodes in (and with) a node for which ``wanted`` holds."""
    if wanted(node):
        yield node
    for child in children(node):
        yield from find(child, wanted)


def path(node: Any) -> tuple[str, ...]:
    """The parts of a path expression."""
    return tuple(name.id_string for name in leaf(node).names)


def tables(node: Any) -> tuple[Path, ...]:
    """Where a statement reads tables, in the order of the text: names of ``WITH`` and arrays of other tables are none."""
    return tuple(sorted(_tables(node, frozenset(), frozenset()), key=lambda found: found.start))


def _tables(node: Any, names: frozenset[str], aliases: frozenset[str]) -> Iterator[Path]:
    match kind(node):
        case "ASTTablePathExpression" if node.HasField("path_expr"):
            parts = path(node.path_expr)
            local = (len(parts) == 1 and parts[0].lower() in names) or (len(parts) > 1 and parts[0].lower() in aliases)
            if not local:
                yield Path(*span(node.path_expr), parts, node.HasField("alias"), node.HasField("for_system_time"))
        case "ASTQuery" if node.HasField("with_clause"):
            entries = list(getattr(node.with_clause, "with"))
            own = frozenset(entry.alias.id_string.lower() for entry in entries)
            known = names | own if node.with_clause.recursive else names
            for entry in entries:
                for child in children(entry):
                    yield from _tables(child, known, aliases)
                known |= {entry.alias.id_string.lower()}
            for child in children(node):
                if kind(child) != "ASTWithClause":
                    yield from _tables(child, names | own, aliases)
            return
        case "ASTSelect":
            aliases |= frozenset(_aliases(node.from_clause)) if node.HasField("from_clause") else frozenset()
    for child in children(node):
        yield from _tables(child, names, aliases)


def _aliases(node: Any) -> Iterator[str]:
    """The names that the tables of a FROM clause go by."""
    match kind(node):
        case "ASTTablePathExpression" | "ASTTableSubquery":
            if node.HasField("alias"):
                yield node.alias.identifier.id_string.lower()
            elif kind(node) == "ASTTablePathExpression" and node.HasField("path_expr"):
                yield path(node.path_expr)[-1].split(".")[-1].lower()
        case "ASTQuery":
            pass
        case _:
            for child in children(node):
                yield from _aliases(child)


TAB = 8
"""GoogleSQL counts columns as a terminal does."""


def offset(text: bytes, line: int, column: int) -> int:
    r"""The offset of a place that GoogleSQL names.

    >>> offset(b"ab\n\tcd", 2, 10)
    5
    """
    lines = text.split(b"\n")
    at = sum(len(given) + 1 for given in lines[: line - 1])
    seen = 1
    for character in (lines[line - 1] if line <= len(lines) else b"").decode("utf-8", "replace"):
        if seen >= column:
            break
        seen = seen + 1 if character != "\t" else (seen - 1) // TAB * TAB + TAB + 1
        at += len(character.encode())
    return at


def position(text: bytes, at: int) -> tuple[int, int]:
    r"""The line and column of an offset, as GoogleSQL counts them.

    >>> position(b"ab\n\tcd", 5)
    (2, 10)
    """
    before = text[:at].decode("utf-8", "replace")
    head, _, last = before.rpartition("\n")
    column = 1
    for character in last:
        column = column + 1 if character != "\t" else (column - 1) // TAB * TAB + TAB + 1
    return (head.count("\n") + 2 if "\n" in before else 1), column
