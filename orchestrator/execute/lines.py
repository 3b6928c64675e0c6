"""Text that arrives in pieces, line by line."""

from __future__ import annotations

LONGEST = 1 << 16
"""Bytes after which a line without an end is passed on anyway."""


class Lines:
    r"""Collects bytes, gives whole lines. Of a line redrawn with carriage returns (progress bars) the last state counts.

    >>> lines = Lines()
    >>> lines.feed(b"one\ntw"), lines.feed(b"o\r\n"), lines.feed(b"10%\r20%\rdone"), lines.end()
    (['one'], ['two'], [], ['done'])
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that ``chunk`` completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST:
            whole.append(self._rest)
            self._rest = b""
        return [_text(line) for line in whole]

    def end(self) -> list[str]:
        """The last line, when it has no end of its own."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").rsplit(b"\r", 1)[-1].decode("utf-8", errors="replace")
