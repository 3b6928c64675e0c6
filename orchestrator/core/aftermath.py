"""What a node's ``on_failure`` means: try it again, let it be, tell somebody, send a statement, run a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.config import listed
from orchestrator.core.errors import did_you_mean

EVERYBODY = "*"
"""In place of a rule's name: all rules."""

WORDS = ("retry", "skip", "alert", "sql", "command")
_RETRY = re.compile(r"retry\s*(?:\(\s*(\d+)\s*\))?")


@dataclass(frozen=True, slots=True)
class Hook:
    """What is done when a node has failed: a statement (a template), or a command with its arguments."""

    sql: str = ""
    command: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"command `{self.command[0]}`" if self.command else "statement"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is to be done after a failure. ``retries`` is how often the node is tried again, ``alerts`` are the rules that hear of it.
    ``skip`` says that it may fail: the run goes on as if it had been left out.
    """

    retries: int | None = None
    alerts: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    skip: bool = False


def aftermath(config: Mapping[str, Any]) -> Aftermath:
    """What a node's config says.

    >>> aftermath({"on_failure": ["retry(2)", "alert", {"command": "./page.sh orders"}]}).hooks[0].command
    ('./page.sh', 'orders')
    >>> aftermath({"on_failure": ["skip", "alert"]}).skip
    True
    >>> aftermath({"on_failure": "insert into failures values (1)"}).hooks[0].sql
    'insert into failures values (1)'

    Raises:
        ValueError: with a sentence on what is wrong.
    """
    said = config.get("on_failure")
    retries: int | None = None
    alerts: list[str] = []
    hooks: list[Hook] = []
    skip = False
    for item in [said] if isinstance(said, Mapping) else listed(said):
        for word, value in _pairs(item):
            match word:
                case "retry":
                    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                        raise ValueError(f"`retry: {value}` of `on_failure` is how often, and that is no such number")
                    retries = value
                case "skip":
                    if value is not None and not isinstance(value, bool):
                        raise ValueError(f"`skip: {value}` of `on_failure` is neither true nor false")
                    skip = value is not False
                case "alert":
                    alerts += [str(name) for name in listed(value)]
                case "sql":
                    hooks.append(Hook(sql=_text(word, value)))
                case "command":
                    words = tuple(map(str, value)) if isinstance(value, list | tuple) else tuple(shlex.split(_text(word, value)))
                    hooks.append(Hook(command=words if words and words[0] else tuple(shlex.split(_text(word, "")))))
                case _:
                    hint = did_you_mean(str(word), WORDS, also=f"it has: {', '.join(WORDS)}")
                    raise ValueError(f"`on_failure` knows no `{word}` ({hint})")
    return Aftermath(retries, tuple(dict.fromkeys(alerts)), tuple(hooks), skip)


def _pairs(item: Any) -> Iterator[tuple[str, Any]]:
    """An item as words and what they are given."""
    if isinstance(item, Mapping):
        yield from item.items()
        return
    text = str(item).strip()
    if found := _RETRY.fullmatch(text):
        yield "retry", int(found[1] or 1)
    elif text == "alert":
        yield "alert", EVERYBODY
    elif len(text.split()) > 1 or "{{" in text:
        yield "sql", text
    else:
        yield text, None


def _text(word: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"`{word}` of `on_failure` is empty")
    return value
