"""Where bodies stay while a graph is made: in memory, or straight in the cache file, which keeps a large project's texts off the heap."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from orchestrator.core.declaration import Declaration, Draft
from orchestrator.core.node import Body, Docs, NativeTestBody, PythonBody, Query, SeedBody, SqlBody
from orchestrator.load import packed as pack
from orchestrator.load.cache import Filling


class Shelf(Protocol):
    """Takes drafts as they are made."""

    def put(self, draft: Draft, declaration: Declaration) -> Draft:
        """Keep the draft's body; what comes back is enough for ``link``."""
        ...

    def declaration(self, id_: str) -> Declaration:
        """What the node ``id_`` was made of."""
        ...


class HeldShelf:
    """Everything in memory."""

    def __init__(self) -> None:
        self._declarations: dict[str, Declaration] = {}

    def put(self, draft: Draft, declaration: Declaration) -> Draft:
        """The draft as it is."""
        self._declarations.setdefault(draft.node.id, declaration)
        return draft

    def declaration(self, id_: str) -> Declaration:
        """What the node ``id_`` was made of."""
        return self._declarations[id_]


class FiledShelf:
    """Everything in a cache file in the making.

    Raises:
        Unpackable: when that cannot hold it.
    """

    def __init__(self, filling: Filling) -> None:
        self._filling = filling

    def put(self, draft: Draft, declaration: Declaration) -> Draft:
        """The draft without its texts and documentation. A disabled node's may share its id with another's, and nobody reads it."""
        light = Draft(draft.node, slim(draft.body), draft.wants, draft.inputs)
        if draft.node.config.get("enabled") is False:
            return light
        again = not isinstance(draft.body, NativeTestBody) and draft.node.kind not in ("source", "exposure")
        packed = pack.pack_declaration(declaration, draft.body) if again else None
        self._filling.put(draft.node.id, pack.pack_body(draft.body), packed)
        return light

    def declaration(self, id_: str) -> Declaration:
        """What the node ``id_`` was made of."""
        return self._filling.declaration(id_)


_NATIVE = NativeTestBody({})


def slim(body: Body) -> Body:
    """What ``link`` asks of a body: names it reads, digests, and the texts that are their own digest."""
    match body:
        case SqlBody():
            second = _slim(body.incremental) if body.incremental is not None else None
            return SqlBody(body.raw if body.late else "", _slim(body.query), second, body.late)
        case PythonBody():
            return PythonBody(body.raw)
        case SeedBody():
            return SeedBody(body.checksum)
        case NativeTestBody():
            return _NATIVE
        case _:
            return replace(body, docs=Docs())


def _slim(query: Query) -> Query:
    return Query("", query.reads, canon=query.canon)
