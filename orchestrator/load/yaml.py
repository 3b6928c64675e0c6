"""Strict YAML that remembers lines.

Built straight from the parser's events: nothing is composed that could be a bomb (depth and aliases are counted as they
come), and every value keeps the line it was written on. The schema is that of PyYAML's safe loader, which dbt projects are
written against, minus its traps: ``yes`` and ``12:30:45`` are text where text is what makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from sys import intern
from typing import Any

from yaml import error, events

from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.load.complaint import complaint
from orchestrator.load.decoded import decoded
from orchestrator.load.lines import Document, Tree, child, children, line_of
from orchestrator.load.pure import PureParser

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML without libyaml: slower, same events
    CParser = PureParser  # type: ignore[assignment,misc]

MAX_DEPTH = 64
"""How deep lists and mappings may nest; people stay below ten."""

MAX_ALIASED = 20_000
"""How many values the aliases of one file may repeat."""

_TAG = "tag:yaml.org,2002:"
_ODD = frozenset("+-.0123456789~nNyYtTfFoO")
_WORDS = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    "": None,
}
_INT = re.compile(r"([-+]?)(?:0b([01_]+)|0x([0-9a-fA-F_]+)|0([0-7_]+)|(0|[1-9][0-9_]*))")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(?:(Z)|([-+])(\d\d?)(?::?(\d\d))?))?",
)


def read_yaml(path: str, content: bytes) -> Document:
    r"""Read one YAML document.

    Raises:
        ConfigError: with every duplicate key, or the one thing that makes the text unreadable, and where.

    >>> read_yaml("a.yml", b"x: 1\nno: 12:30:45").data
    {'x': 1, 'no': '12:30:45'}
    """
    return read_text(path, decoded(path, content))


def read_text(path: str, text: str) -> Document:
    """Like :func:`read_yaml`, for text."""
    reader = _Reader(path, text)
    try:
        document = reader.document()
    except _Refused as refused:
        raise ConfigError(*reader.problems, refused.problem) from None
    except error.YAMLError as bad:
        raise ConfigError(*reader.problems, complaint(path, text, bad)) from None
    if reader.problems:
        raise ConfigError(*reader.problems)
    return document


SHORT = 24
"""Texts up to this length are kept once: names and types repeat in thousands of columns."""


class _Refused(error.YAMLError):
    """A problem after which going on makes no sense."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Reader:
    """Turns events into values; one per file."""

    __slots__ = ("aliased", "anchors", "next", "path", "problems", "text", "texts")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.next: Callable[[], Any] = CParser(text).get_event
        self.anchors: dict[str, tuple[Any, Tree, int] | None] = {}
        self.texts: dict[tuple[int, Any], str] = {}
        self.problems: list[Problem] = []
        self.aliased = 0

    def document(self) -> Document:
        self.next()
        if type(self.next()) is events.StreamEndEvent:
            return Document(self.path, None, 1)
        first = self.next()
        data, tree = self.value(first, 1)
        self.next()
        second = self.next()
        if type(second) is not events.StreamEndEvent:
            raise self.refuse("C103", "only one YAML document is read per file", second, "remove the `---` or split the file")
        return Document(self.path, data, tree, self.texts)

    def value(self, event: Any, depth: int) -> tuple[Any, Tree]:
        kind = type(event)
        line = event.start_mark.line + 1
        if kind is events.ScalarEvent:
            value = self.scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = (value, line, 1)
            return value, line
        if kind is events.AliasEvent:
            return self.alias(event, line)
        if depth > MAX_DEPTH:
            raise self.refuse("C104", f"nested deeper than {MAX_DEPTH} levels", event)
        wanted = "map" if kind is events.MappingStartEvent else "seq"
        if event.tag not in (None, "!", _TAG + wanted):
            self.problems.append(self.problem("C105", f"the tag `{_short(event.tag)}` is not supported", event, "remove the tag"))
        if event.anchor is None:
            return self.mapping(event, depth) if wanted == "map" else self.sequence(event, depth)
        self.anchors[event.anchor] = None  # until it is complete, an alias to it would be a loop
        value, tree = self.mapping(event, depth) if wanted == "map" else self.sequence(event, depth)
        self.anchors[event.anchor] = (value, tree, _size(value))
        return value, tree

    def mapping(self, start: Any, depth: int) -> tuple[dict[Any, Any], Tree]:
        data: dict[Any, Any] = {}
        tree: list[Any] = [start.start_mark.line + 1]
        merged: list[tuple[Any, Tree]] = []
        take, texts, plain = self.next, self.texts, _plain
        scalar_type: Any = events.ScalarEvent
        while True:
            key_event = take()
            if type(key_event) is not scalar_type:
                if type(key_event) is events.MappingEndEvent:
                    break
                raise self.refuse("C106", "a key must be text", key_event, self.jinja_hint(key_event.start_mark.line))
            simple = key_event.implicit[0]
            key = _key(intern(key_event.value)) if simple else self.scalar(key_event)
            line = key_event.start_mark.line + 1
            if key_event.anchor is not None:
                self.anchors[key_event.anchor] = (key, line, 1)
            event = take()
            if type(event) is scalar_type and event.anchor is None:
                written = event.value
                if event.implicit[0]:
                    value = plain(written)
                    if type(value) is str:
                        value = intern(value) if len(value) <= SHORT else value
                    elif written:
                        texts[id(data), key] = written
                else:
                    value = self.scalar(event)
                below: Tree = line
            else:
                value, below = self.value(event, depth + 1)
                below = [line, *below[1:]] if isinstance(below, list) else line
            if simple and key == "<<":
                merged += self.merges(value, below, event)
            elif key in data:
                first = line_of(child(data, tree, key))
                message = f"the key `{key}` is written twice: in line {first} and in line {line}"
                self.problems.append(self.problem("C107", message, key_event, "remove or rename one of them"))
            else:
                data[key] = value
                tree.append(below)
        return self.with_merged(data, tree, merged) if merged else (data, tree)

    def sequence(self, start: Any, depth: int) -> tuple[list[Any], Tree]:
        data: list[Any] = []
        tree: list[Any] = [start.start_mark.line + 1]
        take, texts, plain = self.next, self.texts, _plain
        scalar_type: Any = events.ScalarEvent
        while True:
            event = take()
            if type(event) is scalar_type and event.anchor is None and event.implicit[0]:
                written = event.value
                value = plain(written)
                if type(value) is str:
                    value = intern(value) if len(value) <= SHORT else value
                elif written:
                    texts[id(data), len(data)] = written
                below: Tree = event.start_mark.line + 1
            elif type(event) is events.SequenceEndEvent:
                return data, tree
            else:
                value, below = self.value(event, depth + 1)
            data.append(value)
            tree.append(below)

    def scalar(self, event: Any) -> Any:
        """A scalar that is quoted, a block, or tagged."""
        tag, text = event.tag, event.value
        if tag is None:
            return _plain(text) if event.implicit[0] else text
        kind = tag.removeprefix(_TAG)
        if kind in ("!", "str"):
            return text
        if kind not in _TAGGED:
            self.problems.append(self.problem("C105", f"the tag `{_short(tag)}` is not supported", event, "remove the tag"))
            return text
        value = _plain(text)
        value = float(value) if kind == "float" and type(value) is int else value
        if not isinstance(value, _TAGGED[kind]) or (kind == "int" and isinstance(value, bool)):
            self.problems.append(self.problem("C105", f"`{text}` is not what its tag `{_short(tag)}` says", event, "remove the tag"))
        return value

    def alias(self, event: Any, line: int) -> tuple[Any, Tree]:
        name = event.anchor
        if name not in self.anchors:
            hint = did_you_mean(name, self.anchors, also=f"define it first: `&{name}`")
            raise self.refuse("C108", f"the alias `*{name}` has no anchor", event, hint)
        found = self.anchors[name]
        if found is None:
            raise self.refuse("C108", f"the alias `*{name}` contains itself", event)
        value, tree, size = found
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.refuse("C109", f"aliases repeat more than {MAX_ALIASED:,} values", event, "write the values out, or use a macro")
        return value, ([line, *tree[1:]] if isinstance(tree, list) else line)

    def merges(self, value: Any, tree: Tree, event: Any) -> list[tuple[Any, Tree]]:
        found = (
            [(value, tree)] if isinstance(value, dict) else [(v, t) for _, v, t in children(value, tree)] if isinstance(value, list) else []
        )
        if not found or not all(isinstance(v, dict) for v, _ in found):
            self.problems.append(
                self.problem("C110", "`<<` merges a mapping, or a list of mappings", event, "refer to an anchor: `<<: *name`")
            )
            return []
        return found

    def with_merged(self, data: dict[Any, Any], tree: list[Any], merged: list[tuple[Any, Tree]]) -> tuple[dict[Any, Any], Tree]:
        """Merged keys come first, an earlier mapping wins over a later, and the mapping's own keys over both."""
        found: dict[Any, tuple[Any, Tree, Any]] = {}
        for source, lines in reversed(merged):
            found.update({key: (value, below, source) for key, value, below in children(source, lines)})
        found.update({key: (value, below, data) for key, value, below in children(data, tree)})
        for key, (_, _, source) in found.items():
            if (written := self.texts.get((id(source), key))) is not None:
                self.texts[id(data), key] = written
        data.clear()  # the same object again: `texts` know it by its id
        data.update({key: value for key, (value, _, _) in found.items()})
        return data, [tree[0], *(below for _, below, _ in found.values())]

    def problem(self, code: str, message: str, event: Any, hint: str | None = None) -> Problem:
        mark, end = event.start_mark, event.end_mark
        length = end.column - mark.column if end.line == mark.line else 1
        return Problem(code, message, Span(self.path, mark.line + 1, mark.column + 1, max(1, length)), hint)

    def refuse(self, code: str, message: str, event: Any, hint: str | None = None) -> _Refused:
        return _Refused(self.problem(code, message, event, hint))

    def jinja_hint(self, line: int) -> str:
        text = self.text.splitlines()[line]
        if "{{" in text or "{%" in text:
            return 'put quotes around the Jinja expression: "{{ … }}"'
        return "lists and mappings cannot be keys; quote the key if it is text"


_TAGGED: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float,),
    "null": (type(None),),
    "timestamp": (date,),
}


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _size(value: Any) -> int:
    """How many values there are inside; shared ones count each time, as they would for whoever walks them."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1


@lru_cache(8192)
def _key(text: str) -> Any:
    """A plain key. Words stay words: a column or an argument may be called ``on`` or ``no``; numbers and dates are what they are."""
    value = _plain(text)
    return text if value is None or isinstance(value, bool) else value


@lru_cache(8192)
def _plain(text: str) -> Any:
    """A plain scalar's value.

    >>> [_plain(t) for t in ("no", "12", "1_000", "012", "0x1F", "1.5", "1e3", "12:30:45", "2024-02-30", "=", "~")]
    [False, 12, 1000, 10, 31, 1.5, '1e3', '12:30:45', '2024-02-30', '=', None]
    """
    if text and text[0] not in _ODD:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if number := _INT.fullmatch(text):
        return _integer(number, text)
    if _FLOAT.fullmatch(text):
        try:
            return float(text.replace("_", ""))
        except ValueError:
            return text
    if text[4:5] == "-":
        try:
            return _moment(text)
        except (ValueError, OverflowError):
            return text  # 2024-02-30 is no date, but it may well be a test value
    return text


def _integer(number: re.Match[str], text: str) -> int | str:
    sign, binary, hexadecimal, octal, decimal = number.groups()
    digits, base = next((d, b) for d, b in ((binary, 2), (hexadecimal, 16), (octal, 8), (decimal, 10)) if d is not None)
    digits = digits.replace("_", "")
    if not digits or len(digits) > 4000:  # Python refuses to convert longer ones
        return text
    return -int(digits, base) if sign == "-" else int(digits, base)


def _moment(text: str) -> date | str:
    if day := _DATE.fullmatch(text):
        return date(int(day[1]), int(day[2]), int(day[3]))
    found = _TIME.fullmatch(text)
    if not found:
        return text
    micro = int(found[7][:6].ljust(6, "0")) if found[7] else 0
    zone: timezone | None = UTC if found[8] else None
    if found[9]:
        ahead = timedelta(hours=int(found[10]), minutes=int(found[11] or 0))
        zone = timezone(ahead if found[9] == "+" else -ahead)
    year, month, day_, hour, minute, second = (int(found[i]) for i in range(1, 7))
    return datetime(year, month, day_, hour, minute, second, micro, tzinfo=zone)
