"""Words and numbers of a report, written so that nothing in them is Markdown, HTML or a mention on the page they are shown on."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.core.files import Span
from orchestrator.publish.problems.rows import located

PLAIN = re.compile(r"[\w.,:/=+()\[\]<>'\"%?!;*#&$…→ -]+")
"""What a code span may hold as it is, also in a table: no backtick, no pipe, no backslash, no ``@``."""

SIGNS = re.compile(r"[^\w ]|_")

LIVELY = re.compile(r"[\\`*_\[\]<>|~&$]")
"""ASCII that Markdown, its extensions or HTML may take for their own."""

CALLING = re.compile(r"(?<=[@#!&~])(?=\w)")
"""Behind what makes people, issues, merge requests or labels of the word that follows."""

QUIET = "\u200b"
"""Nothing to see: keeps a sign and its word apart."""


def code(text: str, longest: int = 120) -> str:
    r"""A name or value as code. What a code span cannot hold safely is written as entities in a ``<code>`` element.

    >>> code("stg.orders"), code("a|b"), code("`x` @all")
    ('`stg.orders`', '<code>a&#124;b</code>', '<code>&#96;x&#96; &#64;all</code>')
    >>> code("-->"), code(" ")
    ('`-->`', '<code></code>')
    """
    shown = clipped(text, longest)
    return f"`{shown}`" if PLAIN.fullmatch(shown) else f"<code>{entities(shown)}</code>"


def entities(text: str) -> str:
    """A text of which every sign that is neither letter nor digit is a numbered entity: it means nothing to Markdown or HTML.

    >>> entities("a<b> c")
    'a&#60;b&#62; c'
    """
    return SIGNS.sub(lambda m: f"&#{ord(m[0])};", text)


def prose(text: str, longest: int = 600) -> str:
    """A message: what it puts between backticks is code, everything else is nothing but text.

    >>> prose("`a.b` is gone, ask @team or #12 <b>")
    '`a.b` is gone, ask @\u200bteam or #\u200b12 &#60;b&#62;'
    """
    pieces = re.split(r"`([^`]*)`", clipped(text, longest))
    return "".join(code(piece, longest) if at % 2 else plain(piece) for at, piece in enumerate(pieces))


def plain(text: str) -> str:
    """A text that is nothing but text: in a paragraph, a table's cell or a summary."""
    quiet = CALLING.sub(QUIET, text)
    return LIVELY.sub(lambda m: f"&#{ord(m[0])};", quiet)


def clipped(text: str, longest: int) -> str:
    r"""One line of at most ``longest`` characters; what cannot be seen (control characters, changes of direction) is spelled out.

    >>> clipped("a\n  b\x07", 20), clipped("abcdef", 4)
    ('a b\\x07', 'abc…')
    """
    line = " ".join(text[: 4 * longest].split())
    seen = line if line.isprintable() else "".join(c if c.isprintable() else _spelled(c) for c in line)
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}…"


def _spelled(sign: str) -> str:
    return ascii(sign)[1:-1]


def place(span: Span | None, folder: str = "") -> str:
    """Where a problem is, as ``file:line``; empty when nobody knows.

    >>> place(Span("models/a.sql", 14, 8), "shop")
    '`shop/models/a.sql:14`'
    """
    return code(f"{located(span.path, folder)}:{span.line}", 200) if span is not None and span.path else ""


def counted(number: int, word: str, many: str = "") -> str:
    """A number of things.

    >>> counted(1, "test"), counted(2, "test"), counted(1200, "query", "queries")
    ('1 test', '2 tests', '1,200 queries')
    """
    return f"{number:,} {word if number == 1 else many or word + 's'}"


def amount(number: int) -> str:
    """A number of rows, short.

    >>> amount(412), amount(9_999), amount(1_203_400), amount(2_000_000_000)
    ('412', '9,999', '1.20M', '2.00B')
    """
    for size, letter in ((1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            unit = 1000 if letter == "k" else size
            return f"{number / unit:.2f}{letter}" if number / unit < 100 else f"{number / unit:.0f}{letter}"
    return f"{number:,}"


def change(before: int | None, after: int | None) -> str:
    """How many rows there were and are; the percentage is of what there was.

    >>> change(1_200_000, 1_180_000), change(None, 412), change(10, 10), change(0, 5), change(1_000_000, 1_000_001)
    ('1.20M → 1.18M (−1.7%)', '→ 412', '10', '0 → 5', '1.00M → 1.00M (+1 row)')
    """
    if before is None and after is None:
        return ""
    if before is None or after is None:
        return f"→ {amount(after)}" if after is not None else f"{amount(before or 0)} →"
    if before == after:
        return amount(before)
    said = f"{amount(before)} → {amount(after)}"
    if not before:
        return said
    share = abs(after - before) / before * 100
    sign = "+" if after > before else "−"
    return f"{said} ({sign}{share:.1f}%)" if share >= 0.1 else f"{said} ({sign}{counted(abs(after - before), 'row')})"


def share(equal: int, of: int) -> str:
    """A part in percent, which is 100% only when nothing is missing, and 0% only when there is nothing.

    >>> share(3, 3), share(999_999, 1_000_000), share(1, 1_000_000), share(0, 9), share(0, 0)
    ('100%', '99.99%', '<0.01%', '0%', '–')
    """
    if not of:
        return "–"
    if equal in (0, of):
        return "0%" if equal == 0 else "100%"
    part = equal * 10_000 // of / 100
    return f"{part:g}%" if part else "<0.01%"


def value(thing: Any, longest: int = 60) -> str:
    """A value of a row."""
    if thing is None:
        return "null"
    return code(f"0x{thing.hex()}" if isinstance(thing, bytes) else str(thing), longest)


def number(thing: Any) -> str:
    """A number of a distribution, at six digits; everything else as it is.

    >>> number(3.14159265), number(12), number("a")
    ('3.14159', '12', 'a')
    """
    return f"{thing:.6g}" if isinstance(thing, float) else str(thing)


def size(text: str) -> int:
    """Characters as forges count them: UTF-16 code units.

    >>> size("aß"), size("🙂")
    (2, 2)
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def label(id_: str) -> str:
    """What people call a node, from its id.

    >>> label("model.shop.orders"), label("source.shop.raw.orders"), label("orders")
    ('orders', 'raw.orders', 'orders')
    """
    return id_.split(".", 2)[2] if id_.count(".") >= 2 and id_.split(".", 1)[0] in KINDS else id_


KINDS = frozenset({"model", "seed", "snapshot", "source", "test", "unit_test", "analysis", "exposure", "operation"})
