"""A meaning as a few flat lists: a project has tens of thousands of uses, and a command may want them all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from orchestrator.core.meaning import Finding, Meaning, Output, Use

_encode = json.JSONEncoder(separators=(",", ":")).encode

_USE = 5
_OUTPUT = 7
"""Numbers that one use, one column takes in its list."""


def pack_meaning(meaning: Meaning) -> str:
    """JSON: whether it is complete and why not, findings, a table of texts, and numbers (places, and places in that table).

    >>> pack_meaning(Meaning((Output("id", uses=(Use("model.shop.a", "id", "passed", 7, 9),), expression="id"),)))
    '[1,"",[],["id","","model.shop.a","passed"],[0,-1,0,-1,-1,1,1],[2,0,3,7,9],[]]'
    """
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    def flat(uses: Iterable[Use]) -> list[int]:
        return [n for u in uses for n in (number(u.node), number(u.column), number(u.kind), u.start, u.end)]

    columns = [
        n
        for c in meaning.columns
        for n in (
            number(c.name), -1 if c.type is None else number(c.type), number(c.expression), c.start, c.end, number(c.unknown), len(c.uses)
        )
    ]  # fmt: skip
    used = flat(u for c in meaning.columns for u in c.uses)
    rows = flat(meaning.rows)
    findings = [[f.code, f.message, f.start, f.end, f.hint, f.incremental] for f in meaning.findings]
    return _encode([int(meaning.complete), meaning.unknown, findings, list(texts), columns, used, rows])


def unpack_meaning(packed: str) -> Meaning:
    """The meaning that :func:`pack_meaning` was given.

    Raises:
        LookupError, TypeError, ValueError: it was given something else.
    """
    complete, unknown, findings, texts, columns, used, rows = json.loads(packed)
    text: Callable[[int], str] = texts.__getitem__
    uses = tuple(_uses(used, text))
    outputs: list[Output] = []
    at = 0
    kinds: list[Any] = [*texts, None]  # a type's number is -1 when it is not known
    for name, kind, expression, start, end, why, many in zip(*(columns[i::_OUTPUT] for i in range(_OUTPUT)), strict=True):
        outputs.append(Output(texts[name], kinds[kind], uses[at : at + many], texts[expression], start, end, texts[why]))
        at += many
    return Meaning(tuple(outputs), tuple(_uses(rows, text)), bool(complete), unknown, tuple(Finding(*f) for f in findings))


def _uses(flat: list[int], text: Callable[[int], str]) -> Iterable[Use]:
    node, column, kind = (map(text, flat[i::_USE]) for i in range(3))
    make: Any = Use  # kinds are words of ours: nobody checks them again
    return map(make, node, column, kind, flat[3::_USE], flat[4::_USE])
