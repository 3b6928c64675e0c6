"""Where the texts of nodes are written below the target folder."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from orchestrator.core.node import Node

LONGEST = 200
"""Bytes in a file name; file systems take 255, and a temporary name is longer."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')


def compiled_path(node: Node) -> str:
    """Where the node's query is written: ``compiled/<package>/<path>``.

    >>> compiled_path(Node("model.shop.a", "model", "a", "shop", "models/mart/a.sql", (), {}))
    'compiled/shop/models/mart/a.sql'
    """
    return f"compiled/{_inner(node)}"


def run_path(node: Node) -> str:
    """Where the statements sent for the node are written: ``run/<package>/<path>``."""
    return f"run/{_inner(node)}"


def _inner(node: Node) -> str:
    parts = [node.package, *node.path.split("/")]
    if not node.path.endswith((".sql", ".py", ".csv")) or _shares_its_file(node):
        parts.append(f"{node.name}.sql")  # declared in YAML, many to a file
    return "/".join(safe(part) for part in parts if part not in ("", "."))


def _shares_its_file(node: Node) -> bool:
    return node.test_name is not None or node.kind in ("unit_test", "snapshot")


@lru_cache(10_000)
def safe(part: str) -> str:
    """A name that is one harmless path component on every system; changed names keep apart by a hash.

    >>> safe("orders.sql"), safe("..")[:2], safe("a/b")[:4]
    ('orders.sql', '__', 'a_b-')
    """
    clean = _UNSAFE.sub("_", part)
    if clean.strip(". ") == "":
        clean = "_" * max(len(clean), 1)
    if clean == part and len(part.encode("utf-8", "replace")) <= LONGEST:
        return part
    stem, dot, extension = clean.rpartition(".")
    mark = blake2b(part.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    short = (stem or extension).encode("utf-8", "replace")[: LONGEST - 40].decode("utf-8", "ignore")
    return f"{short}-{mark}{dot + extension[:20] if dot and stem else ''}"
