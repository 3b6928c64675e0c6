"""Markers: what ``ref()``, ``source()`` and ``this`` put into rendered SQL.

Names stay logical until the plan. A marker is a three-part quoted name whose last part is the bare name, so every dialect
parses it as a table, aliases work, and the plan finds it again anywhere in the text (strings and comments too)::

    select * from "__orc"."ref:shop:orders:"."orders"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PREFIX = "__orc"

WHOLE = "/* all of it */"
"""What stands behind a marker whose relation is wanted whole, where reads are limited to an interval of event time."""

_PATTERN = {q: re.compile(f"{q}{PREFIX}{q}\\.{q}([^{q}]+){q}\\.{q}([^{q}]+){q}") for q in ('"', "`")}


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker found in text: ``text[start:end]`` stands for what ``payload`` says.

    Payloads are ``ref:package:name:version``, ``source:source:table`` and ``this``.
    """

    payload: str
    name: str
    start: int
    end: int


def ref(name: str, package: str = "", version: str = "") -> str:
    """The payload of a ``ref``.

    >>> ref("orders")
    'ref::orders:'
    """
    return f"ref:{package}:{name}:{version}"


def tested(kind: str, name: str) -> tuple[str, str]:
    """The payload of what a test is attached to, and its bare name. A model's version is behind ``.v``.

    >>> tested("source", "shop.orders"), tested("model", "orders.v2")
    (('source:shop:orders', 'orders'), ('ref::orders:2', 'orders'))
    """
    if kind == "source":
        source_name, _, table = name.partition(".")
        return source(source_name, table), table
    bare, _, version = name.partition(".v")
    return ref(bare, version=version), bare


def source(source_name: str, table: str) -> str:
    """The payload of a ``source``.

    >>> source("shop", "orders")
    'source:shop:orders'
    """
    return f"source:{source_name}:{table}"


def spoken(payload: str) -> str:
    """What an author calls that which a payload stands for.

    >>> spoken("ref::orders:"), spoken("source:shop:orders")
    ('orders', 'shop.orders')
    """
    kind, _, rest = payload.partition(":")
    return rest.split(":")[1] if kind == "ref" else rest.replace(":", ".", 1)


def write(payload: str, name: str, quote: str) -> str:
    """A marker's text in a dialect whose identifiers are quoted by ``quote``.

    >>> write("this", "orders", '"')
    '"__orc"."this"."orders"'
    """
    return f"{quote}{PREFIX}{quote}.{quote}{payload}{quote}.{quote}{name}{quote}"


def find(text: str, quote: str) -> Iterator[Marker]:
    """All markers of ``text``, from left to right."""
    if PREFIX in text:
        for match in _PATTERN[quote].finditer(text):
            yield Marker(match[1], match[2], match.start(), match.end())
