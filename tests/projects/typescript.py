"""Reads the interfaces of a TypeScript file, as far as `ui/src/data.ts` goes, and compares JSON values with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r"\s*(\"[^\"]*\"|\d+|\w+|[{}\[\]()<>|:;,?=])")


@dataclass(frozen=True)
class Type:
    """A type: ``word`` says which, ``inner`` what it is made of; members of an object are ``(type, optional)`` by name."""

    word: str
    inner: tuple[Type, ...] = ()
    members: Mapping[str, tuple[Type, bool]] = field(default_factory=dict)


class Shapes:
    """The declarations of a file."""

    def __init__(self, source: str) -> None:
        bare = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
        self._tokens = TOKEN.findall(bare)
        assert re.sub(r"\s", "", bare) == re.sub(r"\s", "", "".join(self._tokens)), "there is more in the file than this reads"
        self._at = 0
        self.declared: dict[str, tuple[tuple[str, ...], Type]] = {}
        while self._at < len(self._tokens):
            self._declaration()

    def complaints(self, value: Any, written: str) -> list[str]:
        """What is wrong with ``value`` as a ``written`` type, each with the path to it."""
        self._tokens, self._at = TOKEN.findall(written), 0
        return list(self._compared(value, self._union(), {}, "$"))

    def _compared(self, value: Any, type_: Type, given: Mapping[str, Type], at: str) -> Iterator[str]:
        match type_.word:
            case "string" | "number" | "boolean":
                kinds = {"string": str, "number": int | float, "boolean": bool}
                if not isinstance(value, kinds[type_.word]) or (type_.word == "number" and isinstance(value, bool)):
                    yield f"{at}: {value!r} is no {type_.word}"
            case "literal":
                if value != type_.inner[0].word and str(value) != type_.inner[0].word:
                    yield f"{at}: {value!r} is not {type_.inner[0].word}"
            case "union":
                if all(any(self._compared(value, one, given, at)) for one in type_.inner):
                    yield f"{at}: {value!r} is none of {[i.inner[0].word if i.inner else i.word for i in type_.inner]}"
            case "array":
                if not isinstance(value, list):
                    yield f"{at}: {value!r} is no array"
                    return
                for number, item in enumerate(value):
                    yield from self._compared(item, type_.inner[0], given, f"{at}[{number}]")
            case "tuple":
                if not isinstance(value, list) or len(value) != len(type_.inner):
                    yield f"{at}: {value!r} is no array of {len(type_.inner)}"
                    return
                for number, (item, inner) in enumerate(zip(value, type_.inner, strict=True)):
                    yield from self._compared(item, inner, given, f"{at}[{number}]")
            case "object":
                yield from self._object(value, type_, given, at)
            case name if name in given:
                yield from self._compared(value, given[name], {}, at)
            case name:
                parameters, inner = self.declared[name]
                yield from self._compared(value, inner, dict(zip(parameters, type_.inner, strict=True)), at)

    def _object(self, value: Any, type_: Type, given: Mapping[str, Type], at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no object"
            return
        yield from (f"{at}.{name} is missing" for name, (_, optional) in type_.members.items() if not optional and name not in value)
        for name, inner in value.items():
            if name not in type_.members:
                yield f"{at}.{name} is not declared"
            else:
                yield from self._compared(inner, type_.members[name][0], given, f"{at}.{name}")

    # The parser

    def _declaration(self) -> None:
        self._take("export")
        kind, name = self._next(), self._next()
        parameters: list[str] = []
        if self._peek() == "<":
            self._next()
            while self._peek() != ">":
                parameters.append(self._next())
                if self._peek() == "extends":
                    self._next()
                    self._next()
                if self._peek() == ",":
                    self._next()
            self._next()
        if kind == "interface":
            self.declared[name] = (), self._primary()
            return
        assert kind == "type", kind
        self._take("=")
        self.declared[name] = tuple(parameters), self._union()
        self._take(";")

    def _union(self) -> Type:
        if self._peek() == "|":
            self._next()
        found = [self._array()]
        while self._peek() == "|":
            self._next()
            found.append(self._array())
        return found[0] if len(found) == 1 else Type("union", tuple(found))

    def _array(self) -> Type:
        found = self._primary()
        while self._peek() == "[":
            self._next()
            self._take("]")
            found = Type("array", (found,))
        return found

    def _primary(self) -> Type:
        word = self._next()
        if word == "{":
            members: dict[str, tuple[Type, bool]] = {}
            while self._peek() != "}":
                name = self._next()
                optional = self._peek() == "?"
                if optional:
                    self._next()
                self._take(":")
                members[name] = self._union(), optional
                if self._peek() in (";", ","):
                    self._next()
            self._next()
            return Type("object", members=members)
        if word in "[(":
            inner = [self._union()]
            while self._peek() == ",":
                self._next()
                inner.append(self._union())
            self._take({"[": "]", "(": ")"}[word])
            return Type("tuple", tuple(inner)) if word == "[" else inner[0]
        if word[0] == '"' or word.isdigit():
            return Type("literal", (Type(word.strip('"')),))
        arguments: list[Type] = []
        if self._peek() == "<":
            self._next()
            arguments.append(self._union())
            while self._peek() == ",":
                self._next()
                arguments.append(self._union())
            self._take(">")
        return Type(word, tuple(arguments))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        token: str = self._tokens[self._at - 1]
        return token

    def _take(self, wanted: str) -> None:
        found = self._next()
        assert found == wanted, f"{wanted} expected, {found} found"
