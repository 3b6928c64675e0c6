"""What a name in SQL can mean: an index over everything that has a relation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core.node import Node


@dataclass(frozen=True, slots=True)
class Names:
    """Nodes by folded bare name, and what may stand before the dot for each node."""

    bare: dict[str, tuple[str, ...]]
    owners: dict[str, frozenset[str]]
    databases: dict[str, str]
    refs: dict[tuple[str, str], str]
    sources: dict[tuple[str, str], str]

    def resolve(self, name: str, reader: str) -> tuple[str, ...]:
        """Ids of all nodes that ``name``, written in the query of ``reader``, can mean.

        ``b`` means the model, seed, snapshot or source table ``b``; ``a.b`` means it when ``a`` is its configured schema,
        the schema it is built in, its source name, or one of its folders; ``d.a.b`` when ``d`` is its database as well.
        """
        parts = [p.strip('"').casefold() for p in split(name)]
        found = self.bare.get(parts[-1], ())
        if len(parts) > 1:
            found = tuple(id_ for id_ in found if parts[-2] in self.owners[id_])
        if len(parts) > 2:
            found = tuple(id_ for id_ in found if self.databases[id_] in ("", parts[-3]))
        others = tuple(id_ for id_ in found if id_ != reader)
        return others or found


def split(name: str) -> list[str]:
    """The parts of a name as written; inside quotes a dot is a letter.

    >>> split('a."b.c".d')
    ['a', 'b.c', 'd']
    """
    if '"' not in name:
        return name.split(".")
    parts, quoted = [""], False
    for char in name:
        if char == '"':
            quoted = not quoted
        elif char == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def index(nodes: Iterable[Node]) -> Names:
    """Index ``nodes`` by every name SQL may use for them."""
    bare: defaultdict[str, list[str]] = defaultdict(list)
    owners: dict[str, frozenset[str]] = {}
    databases: dict[str, str] = {}
    refs: dict[tuple[str, str], str] = {}
    sources: dict[tuple[str, str], str] = {}
    for node in nodes:
        if node.relation is None:
            continue
        if node.kind == "source":
            source_name, table = node.name.split(".", 1)
            sources[source_name, table] = node.id
            before = {source_name, node.relation.schema or ""}
            called = {table, node.relation.name}
        else:
            version = node.config.get("version") if node.kind == "model" else None
            latest = version is None or str(version) == str(node.config.get("latest_version"))
            named = [node.name] if latest else []
            if version is not None:
                named.append(f"{node.name}.v{version}")
            for name in named:
                refs[node.package, name] = node.id
                refs.setdefault(("", name), node.id)
            before = {str(node.config.get("schema") or ""), node.relation.schema or "", *node.fqn[1:-1]}
            called = {node.relation.name, *([node.name] if latest else [])}
        owners[node.id] = frozenset(b.casefold() for b in before if b)
        databases[node.id] = (node.relation.database or "").casefold()
        for name in {c.casefold() for c in called}:
            bare[name].append(node.id)
    return Names({k: tuple(v) for k, v in bare.items()}, owners, databases, refs, sources)
