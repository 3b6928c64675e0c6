"""Bytes of a file people write → text."""

from __future__ import annotations

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span


def decoded(path: str, content: bytes) -> str:
    r"""UTF-8 text without a byte order mark.

    Raises:
        ConfigError: naming the first byte that is not UTF-8.

    >>> decoded("a.yml", b"\xef\xbb\xbfx: 1")
    'x: 1'
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        # with utf-8-sig the codec counts from behind the mark
        offset = bad.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        before = content[:offset]
        line, start = before.count(b"\n") + 1, before.rfind(b"\n") + 1
        hint = "save the file as UTF-8 (it looks like UTF-16)" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "save the file as UTF-8"
        column = len(before[start:].decode("utf-8", "replace")) + 1
        message = f"`{path}` is not UTF-8: byte 0x{content[offset]:02X} at offset {offset}"
        raise ConfigError(Problem("C102", message, Span(path, line, column), hint)) from None
