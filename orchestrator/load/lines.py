"""Values and the lines they are written on, kept side by side.

A :data:`Tree` repeats a value's structure and holds lines only, which costs a tenth of a dictionary of paths and is JSON as
it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Tree = int | list[Any]
"""Lines beside a value: a scalar's line, or ``[own line, *children]`` in the order of the mapping's values or list's items."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content, the lines beside it, and scalars that are not text as they were written.

    ``texts`` is keyed by ``(id of the container, key or index)``: where a name is due, ``on`` means the word, not true.
    """

    path: str
    data: Any
    lines: Tree
    texts: Mapping[tuple[int, Any], str] = field(default_factory=dict)

    def text(self, container: Any, key: Any) -> str | None:
        """What the author wrote for ``container[key]``, when it is a scalar that YAML does not take for text."""
        return self.texts.get((id(container), key))


def line_of(tree: Tree) -> int:
    """The line a value (or its key) is written on.

    >>> line_of([3, 4, 5])
    3
    """
    return tree if isinstance(tree, int) else int(tree[0])


def child(data: Any, tree: Tree, key: Any) -> Tree:
    """The lines of ``data[key]``; those of ``data`` itself where they are not known."""
    if isinstance(tree, int):
        return tree
    if isinstance(data, Mapping):
        for position, name in enumerate(data, 1):
            if name == key:
                return tree[position] if position < len(tree) else line_of(tree)
    elif isinstance(data, list) and isinstance(key, int) and 0 <= key < len(data) and key + 1 < len(tree):
        return tree[key + 1]  # type: ignore[no-any-return]
    return line_of(tree)


def children(data: Any, tree: Tree) -> Iterator[tuple[Any, Any, Tree]]:
    """Keys (or indexes), values and lines of a mapping or list."""
    pairs = data.items() if isinstance(data, Mapping) else enumerate(data)
    if isinstance(tree, int):
        yield from ((key, value, tree) for key, value in pairs)
    else:
        yield from ((key, value, below) for (key, value), below in zip(pairs, tree[1:], strict=False))


class Lines(Mapping[tuple[str | int, ...], int]):
    """Lines by path, read off a value and its line tree when asked.

    >>> Lines({"name": "a", "columns": [{"name": "x"}]}, [1, 1, [2, [3, 3]]])["columns", 0, "name"]
    3
    """

    __slots__ = ("data", "tree")

    def __init__(self, data: Any, tree: Tree) -> None:
        self.data = data
        self.tree = tree

    def __getitem__(self, path: tuple[str | int, ...]) -> int:
        data, tree = self.data, self.tree
        for key in path:
            if isinstance(tree, int) or not isinstance(data, dict | list):
                raise KeyError(path)
            try:
                position = list(data).index(key) if isinstance(data, dict) else int(key)
                data, tree = data[key], tree[position + 1]  # type: ignore[index]
            except (ValueError, IndexError, TypeError):
                raise KeyError(path) from None
        return line_of(tree)

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        pending: list[tuple[tuple[str | int, ...], Any, Tree]] = [((), self.data, self.tree)]
        while pending:
            path, data, tree = pending.pop()
            yield path
            if isinstance(data, dict | list):
                pending.extend(((*path, key), value, below) for key, value, below in children(data, tree) if not isinstance(tree, int))

    def __len__(self) -> int:
        return sum(1 for _ in self)
