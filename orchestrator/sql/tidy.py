"""SQL templates made tidy: whitespace, keyword case, and nothing else. Jinja is not read, only gone around.

A template is cut into pieces: tags, quoted text, comments, words, whitespace. Quoted text, comments and what tags say are never
touched; between them no piece is added, dropped or moved. Where a template does something that such a cut cannot follow
(a quote that never closes, a block whose text is a value), it is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Case = Literal["lower", "upper", "keep"]

KEYWORDS = frozenset(
    """
    select from where group by order having limit join left right inner outer full cross on using union all distinct as and or not in
    is null like between case when then else end with true false intersect except asc desc qualify recursive over partition exists cast
    """.split()  # noqa: SIM905 - a table of words reads better than fifty quotes
)
"""Words that hardly any engine lets a table or column be called without quotes; the few exceptions must stand where keywords do."""

_BEHIND = {"recursive": "with"}
_BEFORE = {"over": "(", "partition": "by", "exists": "(", "cast": "("}

SPACED = frozenset({"=", "==", "<>", "!=", "<=", ">=", "||"})
"""Operators that get a space on each side. `<` and `>` may be brackets of a type, signs may belong to numbers."""

INDENT = "    "

_TAG = re.compile(r"(\{\{|\{%)([-+]?)(.*?)([-+]?)(\}\}|%\})", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*|\d[\w.]*")
_SPACE = re.compile(r"[^\S\n]+")
_OPERATOR = re.compile(r"[=<>!|&@#~^?:*/+%\\-]+")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_BLOCK = re.compile(r"\{%[-+]?\s*(\w+)")
_VALUE_BLOCKS = frozenset({"call", "filter", "macro", "test", "materialization", "raw", "block"})


class Quoting(NamedTuple):
    """How a dialect quotes: whether a backslash escapes in every quoted text, and whether three quotes do."""

    backslash: bool
    triple: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # tag, text (quoted), comment, line comment, word, operator, sign, space, newline
    text: str


class Untidy(Exception):  # noqa: N818 - its callers leave the text alone
    """A template that cannot be followed, and why."""


def quoting(dialect: str) -> Quoting:
    """How sqlglot's dialect of this name quotes."""
    from sqlglot.dialects.dialect import Dialect

    tokenizer = Dialect.get_or_raise(dialect).tokenizer_class
    quotes = [q if isinstance(q, str) else q[0] for q in tokenizer.QUOTES]
    return Quoting("\\" in tokenizer.STRING_ESCAPES, any(len(q) == 3 for q in quotes))


def tidy(text: str, quotes: Quoting, case: Case = "lower") -> str:
    r"""The template with its whitespace and the case of its keywords put in order.

    >>> tidy("SELECT  a,b ,{{ref('x')}}.c\t\nFROM t WHERE a='B  c'\n\n\n", Quoting(False, False))
    "select a, b, {{ ref('x') }}.c\nfrom t where a = 'B  c'\n"

    Raises:
        Untidy: it must be left as it is.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    pieces = list(_pieces(text.replace("\r\n", "\n"), quotes))
    done = "".join(_set(_cased(pieces, case)))
    done = re.sub(r"\A\n+", "", done)
    done = done.rstrip("\n") + "\n" if done.strip() else ""
    return done.replace("\n", ending)


def same(before: str, after: str, quotes: Quoting) -> bool:
    """Whether two templates differ in whitespace outside of quotes, keyword case and the edges of tags only."""
    try:
        return _essence(before, quotes) == _essence(after, quotes)
    except Untidy:
        return before == after


def _essence(text: str, quotes: Quoting) -> list[tuple[str, str]]:
    pieces = _pieces(text.replace("\r\n", "\n"), quotes)
    return [(p.kind, _trimmed(p)) for p in pieces if p.kind not in ("space", "newline")]


def _trimmed(piece: _Piece) -> str:
    match piece.kind:
        case "tag":
            found = _TAG.fullmatch(piece.text)
            return "".join(part.strip() for part in (found.groups() if found else (piece.text,)))
        case "word" if piece.text.lower() in KEYWORDS:
            return piece.text.lower()
        case "line comment":
            return piece.text.rstrip()
        case _:
            return piece.text


def _pieces(text: str, quotes: Quoting) -> Iterator[_Piece]:
    at = 0
    while at < len(text):
        two, one = text[at : at + 2], text[at]
        if two in ("{{", "{%", "{#"):
            end = _tag_end(text, at)
            yield _Piece("tag", text[at:end])
            _refuse_values(text[at:end])
        elif two == "--":
            end = _comment_end(text, at)
            yield _Piece("line comment", text[at:end])
        elif two == "/*":
            end = text.find("*/", at) + 2
            if end < 2:
                raise Untidy("a comment is never closed")
            yield _Piece("comment", text[at:end])
        elif one in "'\"`":
            end = _quote_end(text, at, quotes)
            yield _Piece("text", text[at:end])
        elif one == "$" and (dollar := _DOLLAR.match(text, at)):
            end = text.find(dollar[0], dollar.end()) + len(dollar[0])
            if end < dollar.end():
                raise Untidy("a quote is never closed")
            yield _Piece("text", text[at:end])
        elif one == "\n":
            end = at + 1
            yield _Piece("newline", one)
        else:
            for kind, pattern in (("space", _SPACE), ("word", _WORD), ("operator", _OPERATOR)):
                if found := pattern.match(text, at):
                    end = _operator_end(text, at, found.end()) if kind == "operator" else found.end()
                    yield _Piece(kind, text[at:end])
                    break
            else:
                end = at + 1
                yield _Piece("sign", one)
        at = end


def _operator_end(text: str, start: int, end: int) -> int:
    """An operator ends where a comment or a tag begins."""
    for stop in ("--", "/*"):
        found = text.find(stop, start + 1, end)
        end = end if found < 0 else found
    return end


def _tag_end(text: str, at: int) -> int:
    closing = {"{{": "}}", "{%": "%}", "{#": "#}"}[text[at : at + 2]]
    here = at + 2
    while here < len(text):
        if text.startswith(closing, here):
            return here + 2
        if closing != "#}" and text[here] in "'\"":
            here = _plain_quote_end(text, here)
        else:
            here += 1
    raise Untidy("a tag is never closed")


def _plain_quote_end(text: str, at: int) -> int:
    """The end of a text inside a tag, where backslashes escape."""
    here = at + 1
    while here < len(text) and text[here] != text[at]:
        here += 2 if text[here] == "\\" else 1
    return here + 1


def _comment_end(text: str, at: int) -> int:
    """A line comment ends with the line, but for a tag in it that goes on."""
    here = at
    while here < len(text) and text[here] != "\n":
        here = _tag_end(text, here) if text[here : here + 2] in ("{{", "{%", "{#") else here + 1
    return here


def _quote_end(text: str, at: int, quotes: Quoting) -> int:
    """The end of quoted text; tags in it belong to it."""
    mark = text[at] * 3 if quotes.triple and text[at] != "`" and text.startswith(text[at] * 3, at) else text[at]
    before = text[max(at - 2, 0) : at]
    raw = re.search(r"(?:^|\W)[rR]$|[rR][bB]$|[bB][rR]$", before) is not None
    escapes = (quotes.backslash and not raw) or re.search(r"(?:^|\W)[eE]$", before) is not None
    here = at + len(mark)
    while here < len(text):
        if text.startswith(mark, here):
            return here + len(mark)
        if text[here : here + 2] in ("{{", "{%", "{#"):
            here = _tag_end(text, here)
        else:
            here += 2 if text[here] == "\\" and escapes else 1
    raise Untidy("a quote is never closed")


def _refuse_values(tag: str) -> None:
    """Text inside these blocks is a value that a template may look at, not SQL that is sent."""
    found = _BLOCK.match(tag)
    if found is None:
        return
    if found[1] in _VALUE_BLOCKS:
        raise Untidy(f"a `{found[1]}` block")
    if found[1] == "set" and not re.match(r"\{%[-+]?\s*set\s[^=]*=", tag):
        raise Untidy("a `set` block")


def _cased(pieces: Sequence[_Piece], case: Case) -> list[_Piece]:
    """Keywords in one case; next to a dot, a tag or behind AS a word may be a name."""
    done = list(pieces)
    if case == "keep":
        return done
    said = [i for i, p in enumerate(pieces) if p.kind not in ("space", "newline", "comment", "line comment")]
    for before, index, after in zip([-1, *said], said, [*said[1:], -1], strict=False):
        piece = pieces[index]
        word = piece.text.lower()
        if piece.kind != "word" or word not in KEYWORDS:
            continue
        left, right = (pieces[n].text.lower() if n >= 0 else "" for n in (before, after))
        named = left in (".", "as") or right == "." or left != _BEHIND.get(word, left) or not right.startswith(_BEFORE.get(word, ""))
        glued = any(0 <= n < len(pieces) and pieces[n].kind == "tag" for n in (index - 1, index + 1))
        if not named and not glued:
            done[index] = _Piece("word", word if case == "lower" else word.upper())
    return done


def _set(pieces: Sequence[_Piece]) -> Iterator[str]:
    """The pieces with the whitespace between them put in order."""
    blank = 0  # line ends since the last piece that is seen
    previous: _Piece | None = None
    pending = ""  # space since then, on the same line
    for piece in pieces:
        if piece.kind == "newline":
            blank, pending = blank + 1, ""
            continue
        if piece.kind == "space":
            pending += piece.text
            continue
        if previous is None or blank:
            yield "\n" * min(blank, 2)
            yield pending.expandtabs(len(INDENT))
        else:
            yield _between(previous, piece, pending)
        yield _edged(piece)
        blank, previous, pending = 0, piece, ""


def _between(left: _Piece, right: _Piece, space: str) -> str:
    """The space between two pieces of one line."""
    if right.kind in ("line comment", "comment") or left.kind == "comment":
        return space.expandtabs(len(INDENT))
    if (left.kind == "sign" and left.text == "(") or (right.kind == "sign" and right.text in (")", ",")):
        return ""
    if (
        (left.kind == "sign" and left.text == ",")
        or (left.text in SPACED and left.kind == "operator")
        or (right.text in SPACED and right.kind == "operator")
    ):
        return " "
    return " " if space else ""


def _edged(piece: _Piece) -> str:
    """A tag with one space at each end of what it says; a comment without space behind it."""
    if piece.kind == "line comment":
        return piece.text.rstrip()
    if piece.kind != "tag" or "\n" in piece.text:
        return piece.text
    found = _TAG.fullmatch(piece.text)
    if found is None or not found[3].strip():
        return piece.text
    opening, first, said, last, closing = found.groups()
    return f"{opening}{first} {said.strip()} {last}{closing}"
