"""Where a piece of the tree is written: sqlglot keeps the places of names, the rest is found among the tokens."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType as T

_ENDS = frozenset(
    {
        T.FROM,
        T.WHERE,
        T.GROUP_BY,
        T.HAVING,
        T.QUALIFY,
        T.ORDER_BY,
        T.LIMIT,
        T.UNION,
        T.EXCEPT,
        T.INTERSECT,
        T.WINDOW,
        T.OFFSET,
        T.FETCH,
        T.INTO,
    }
)
_OPEN = frozenset({T.L_PAREN, T.L_BRACKET, T.L_BRACE})
_CLOSE = frozenset({T.R_PAREN, T.R_BRACKET, T.R_BRACE})


def spread(e: Any, *, inside: bool = True) -> tuple[int, int]:
    """From the first to the last name, literal or star of a piece of the tree; without ``inside``, not those of queries in it."""
    start, end = -1, -1
    stack = [e]
    while stack:
        one = stack.pop()
        if not inside and isinstance(one, exp.Query):
            continue
        meta = one._meta  # noqa: SLF001 - `meta` makes a dict for each of hundreds that have none
        if meta and "start" in meta:
            first, last = int(meta["start"]), int(meta["end"]) + 1
            start = first if start < 0 else min(start, first)
            end = max(end, last)
        for value in one.args.values():
            if type(value) is list:
                stack += [item for item in value if isinstance(item, exp.Expr)]
            elif isinstance(value, exp.Expr):
                stack.append(value)
    return start, end


class Text:
    """A query's text and its tokens, looked up by place."""

    __slots__ = ("_at", "_items", "_until", "sql", "tokens")

    def __init__(self, sql: str, tokens: list[Any]) -> None:
        self.sql = sql
        self.tokens = tokens
        self._at: dict[int, int] = {}
        self._until: dict[int, int] = {}
        self._items: dict[int, list[tuple[int, int]]] = {}

    def index(self, start: int) -> int:
        """Which token begins there; -1: none."""
        if not self._at:
            self._at = {token.start: at for at, token in enumerate(self.tokens)}
        return self._at.get(start, -1)

    def closed(self, start: int, end: int) -> tuple[int, int]:
        """A place with the parentheses that close behind it, so that it is a whole expression."""
        first, last = self.index(start), self._ends().get(end, -1)
        if first < 0 or last < 0:
            return start, end
        tokens = self.tokens
        depth = sum((t.token_type in _OPEN) - (t.token_type in _CLOSE) for t in tokens[first : last + 1])
        while depth > 0 and last + 1 < len(tokens) and tokens[last + 1].token_type in _CLOSE:
            last += 1
            depth -= 1
        return start, tokens[last].end + 1

    def called(self, start: int, end: int) -> tuple[int, int]:
        """A place with the function's name and parentheses right around it."""
        first, last = self.index(start), self._ends().get(self.closed(start, end)[1], -1)
        if first < 2 or last < 0 or last + 1 >= len(self.tokens) or self.tokens[first - 1].token_type not in _OPEN:
            return self.closed(start, end)
        return self.tokens[first - 2].start, self.tokens[last + 1].end + 1

    def _ends(self) -> dict[int, int]:
        if not self._until:
            self._until = {token.end + 1: at for at, token in enumerate(self.tokens)}
        return self._until

    def items(self, select: Any) -> list[tuple[int, int]]:
        """The items of a SELECT: first token, and the one behind the last; none when they cannot be told apart."""
        found = self._items.get(id(select))
        if found is None:
            found = self._items[id(select)] = self._split(select)
        return found

    def _split(self, select: Any) -> list[tuple[int, int]]:
        anchor = next((start for e in select.expressions if (start := spread(e, inside=False)[0]) >= 0), -1)
        at = self._head(self.index(anchor)) if anchor >= 0 else -1
        if at < 0:
            return []
        tokens, depth, items, first = self.tokens, 0, [], at
        while at < len(tokens):
            kind = tokens[at].token_type
            if not depth and (kind in _CLOSE or (kind in _ENDS and not (kind == T.EXCEPT and tokens[at - 1].token_type == T.STAR))):
                break
            depth += (kind in _OPEN) - (kind in _CLOSE)
            if kind == T.COMMA and not depth:
                items.append((first, at))
                first = at + 1
            at += 1
        if first < at:
            items.append((first, at))
        return items if len(items) == len(select.expressions) else []

    def _head(self, at: int) -> int:
        """The first token behind the SELECT (and DISTINCT) around a token; -1: none."""
        tokens, depth = self.tokens, 0
        while at >= 0:
            kind = tokens[at].token_type
            if kind in _CLOSE:
                depth += 1
            elif kind in _OPEN:
                depth = max(depth - 1, 0)
            elif kind == T.SELECT and not depth:
                break
            at -= 1
        if at < 0:
            return -1
        at += 1
        while at < len(tokens) and tokens[at].token_type in (T.DISTINCT, T.ALL):
            at += 1
            if at < len(tokens) and tokens[at].token_type == T.ON:
                at = self._behind(at + 1)
        if at + 1 < len(tokens) and tokens[at].token_type == T.ALIAS:  # select as struct
            at += 2
        return at

    def _behind(self, at: int) -> int:
        """The token behind a pair of parentheses."""
        depth = 0
        while at < len(self.tokens):
            kind = self.tokens[at].token_type
            depth += (kind in _OPEN) - (kind in _CLOSE)
            at += 1
            if not depth:
                break
        return at


def sliced(text: Text, made: Any) -> tuple[int, int]:
    """Where a column is made: its expression without the alias."""
    if made is None:
        return -1, -1
    if made.select is None:
        return made.start, made.end
    items = text.items(made.select)
    projection = made.select.expressions[made.at]
    if not items:
        return text.closed(*spread(projection.this if isinstance(projection, exp.Alias) else projection))
    first, behind = items[made.at]
    tokens = text.tokens
    if isinstance(projection, exp.Alias):
        alias = text.index(projection.args["alias"].meta.get("start", -1))
        if first < alias < behind:
            behind = alias - 1 if tokens[alias - 1].token_type == T.ALIAS else alias
        elif alias == first and behind > first + 2:  # DuckDB's `name: expression`
            first += 2
    return tokens[first].start, tokens[behind - 1].end + 1
