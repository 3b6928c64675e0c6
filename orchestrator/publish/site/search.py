"""What the search finds besides names: an entry of ``search.json``."""

from __future__ import annotations

from orchestrator.core.node import Body
from orchestrator.publish.site.columns import Columns
from orchestrator.publish.site.summary import plain_text


def searchable(body: Body, columns: Columns) -> tuple[str, str]:
    """A node's column names in one text, and its descriptions in another."""
    names = " ".join(f'"{name}"' if " " in name else name for name in (c["name"] for c in columns.entries))
    said = dict.fromkeys(
        [body.docs.description, *(c["description"] for c in columns.entries if "description" in c and "inherited" not in c)]
    )
    return names, " ".join(text for text in map(plain_text, said) if text)
