"""What the site knows of every node from the start: an entry of ``project.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.core.node import Body, ExposureBody, Node
from orchestrator.publish.site.columns import Columns
from orchestrator.publish.site.known import Known
from orchestrator.publish.site.numbers import Numbers
from orchestrator.publish.site.results import Results

LONGEST = 160
"""Characters of a summary."""


def summary(id_: str, body: Body, columns: Columns, known: Known, numbers: Numbers, results: Results) -> dict[str, Any]:
    """The node as plain data; keys with nothing to say are left out."""
    node = known.graph.nodes[id_]
    config = node.config
    group = config.get("group")
    said = {
        "schema": node.relation.schema if node.relation else None,
        "materialized": node.materialized if node.kind == "model" else None,
        "tags": [str(t) for t in node.tags],
        "group": str(group) if group else None,
        "owner": owner(node, body, known).get("name"),
        "access": str(config["access"]) if node.kind == "model" and config.get("access") else None,
        "summary": first_sentence(body.docs.description),
    }
    return {
        "id": id_,
        "kind": node.kind,
        "name": node.name.removeprefix(f"{node.source_name}.") if node.kind == "source" else node.name,
        "file": numbers.files[id_],
        "folder": folder(node),
        **{key: value for key, value in said.items() if value},
        "columns": len(columns.entries),
        "tests": results.count(id_),
        **({"status": results.status[id_]} if id_ in results.status else {}),
        **({"parents": parents} if (parents := [numbers.of[p] for p in dict.fromkeys(node.depends_on) if p in numbers.of]) else {}),
    }


def folder(node: Node) -> list[str]:
    """Where a reader finds it: folders below the resource's root; a source's is its source."""
    return [node.source_name or ""] if node.kind == "source" else list(node.fqn[1:-1])


def owner(node: Node, body: Body, known: Known) -> dict[str, str]:
    """Whom to ask: an exposure's owner, what ``meta.owner`` says, or the group's owner."""
    meta: Mapping[str, Any] = {**(node.config.get("meta") or {}), **body.docs.meta}
    own = body.owner if isinstance(body, ExposureBody) else meta.get("owner")
    said = own or known.groups.get(str(node.config.get("group")), {}).get("owner") or {}
    if not isinstance(said, Mapping):
        return {"name": str(said)}
    return {key: str(said[key]) for key in ("name", "email") if said.get(key)}


_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`~]+|<[^>]*>|^\s*(?:#+|>|[-+*]|\d+\.)\s+|(?<!\w)_+|_+(?!\w)", re.MULTILINE)
_END = re.compile(r"(?<=[.!?])\s")


def plain_text(markdown: str) -> str:
    r"""Markdown without its marks, on one line.

    >>> plain_text("## Orders\n\nOne row *per* [order](http://x), see `stg_orders`.")
    'Orders One row per order, see stg_orders.'
    """
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", markdown)).split())


def first_sentence(markdown: str) -> str:
    """The first sentence of the first paragraph with text, cut where it is very long.

    >>> first_sentence("All flights. Of 2013.")
    'All flights.'
    """
    blocks = (plain_text(block) for block in re.split(r"\n\s*\n", markdown) if not block.lstrip().startswith("#"))
    text = next((block for block in blocks if block), "")
    sentence = _END.split(text, maxsplit=1)[0]
    return sentence if len(sentence) <= LONGEST else f"{sentence[: LONGEST - 1].rsplit(' ', 1)[0]}…"
