"""The only door to sqlfluff, which judges style: how SQL is laid out, named, spelled."""

from __future__ import annotations

import logging
from collections.abc import Callable

from orchestrator.core.meaning import Finding

PARSING = "PRS"
"""What sqlfluff calls SQL that it cannot read; its rules then judge pieces out of context."""

LAYOUT = "LT"
"""How the codes of layout begin: they are about whole lines."""

INDENT = "LT02"
"""Indentation: authors indent inside Jinja's blocks, of which rendering leaves nothing."""

Style = Callable[[str, str], tuple[Finding, ...] | None]
"""``(text, path)`` → findings, by the configuration that sqlfluff finds for the path; ``None`` when it cannot read the text."""


class NoSqlfluff(Exception):  # noqa: N818 - lint() says what to do
    """Sqlfluff is not installed."""


def style(dialect: str) -> Style:
    """A judge of style for sqlfluff's dialect of this name.

    Raises:
        NoSqlfluff: it is not installed.
    """
    try:
        from sqlfluff.core import FluffConfig, Linter
    except ImportError:
        raise NoSqlfluff from None
    logging.getLogger("sqlfluff").setLevel(logging.CRITICAL)
    linters: dict[str, Linter] = {}

    def judge(text: str, path: str) -> tuple[Finding, ...] | None:
        folder = path.rpartition("/")[0]
        if folder not in linters:
            config = FluffConfig.from_path(path, overrides={"dialect": dialect, "templater": "raw"})
            linters[folder] = Linter(config=config)
        found = linters[folder].lint_string(text, fname=path).get_violations(filter_ignore=True)
        if any(v.rule_code() == PARSING for v in found):
            return None
        lines = _starts(text)
        return tuple(_finding(v, text, lines) for v in found)

    return judge


def _finding(violation: object, text: str, lines: list[int]) -> Finding:
    said = violation.to_dict()  # type: ignore[attr-defined] # sqlfluff's values have no common type
    start = lines[min(said["start_line_no"], len(lines)) - 1] + said["start_line_pos"] - 1
    end = said.get("end_file_pos") or start + 1
    return Finding(said["code"], f"{said['description'].rstrip('.')} ({said['name']})", min(start, len(text)), max(end, start + 1))


def _starts(text: str) -> list[int]:
    r"""Where each line begins.

    >>> _starts("a\nbc\n")
    [0, 2, 5]
    """
    return [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
