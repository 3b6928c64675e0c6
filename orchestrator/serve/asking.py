"""A request and its reply, as values: nobody but the listener knows of sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

BODY = 65_536
"""Bytes that a request may bring."""

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
"""Headers that proxies add."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as anybody looks at it; names of headers in small letters. ``client`` is the address it comes from."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""

    @property
    def place(self) -> str:
        """The path without the question behind it, as it was sent."""
        return self.path.partition("?")[0].partition("#")[0]

    @property
    def query(self) -> dict[str, str]:
        """The question behind the path; of a name that comes twice the last value.

        >>> Request("GET", "/runs?status=failed&limit=5").query
        {'status': 'failed', 'limit': '5'}
        """
        found = parse_qs(urlsplit(self.path).query, keep_blank_values=True, max_num_fields=100)
        return {name: values[-1] for name, values in found.items()}

    @property
    def forwarded(self) -> bool:
        """Whether a proxy passed it on: whoever asks may be anywhere, though it comes from this machine."""
        return any(name in self.headers for name in FORWARDED)

    @property
    def source(self) -> str:
        """Where it comes from, as far as that is known: what a proxy on this machine says last is its own.

        >>> Request("GET", "/", {"x-forwarded-for": "1.2.3.4, 10.0.0.7"}, client="127.0.0.1").source
        '10.0.0.7'
        >>> Request("GET", "/", {"x-forwarded-for": "1.2.3.4"}, client="10.0.0.8").source
        '10.0.0.8'
        """
        said = self.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return said[:64] if said and self.client in ("127.0.0.1", "::1") else self.client

    @property
    def safe(self) -> bool:
        """Whether it only asks."""
        return self.method in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body: text, bytes, what JSON can say, or an iterator of bytes that is sent piece by piece until it ends.

    ``type`` is the Content-Type; without one it follows from the body (text of ``/metrics``, JSON).
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = ""


def wrong(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A refusal that says why."""
    return Reply(status, {"error": message}, headers or {})


def received(body: bytes, known: Mapping[str, type]) -> dict[str, Any]:
    """A body that is a JSON object of known names, each of its type; an empty body is an empty object.

    >>> received(b'{"select": ["a"]}', {"select": list})
    {'select': ['a']}

    Raises:
        ValueError: it is something else, with a sentence that says what.
    """
    given = parsed(body)
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"there is no `{name}` here: {', '.join(known) or 'the body is empty'}")
        if type(value) is not known[name]:
            raise ValueError(f"`{name}` has to be {_KINDS[known[name]]}")
    return given


def parsed(body: bytes) -> dict[str, Any]:
    """A body that is a JSON object, or nothing.

    Raises:
        ValueError: it is something else.
    """
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(given, dict):
        raise ValueError("the body has to be an object: values by name")
    return given


_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object", bool: "true or false", int: "a whole number"}
