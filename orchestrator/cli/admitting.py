"""Who may ask `orc serve` for something: tokens of the environment and of the project's state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.cli import wire
from orchestrator.core.errors import Problem, UsageError


def tokens(root: Path) -> Any:
    """The tokens of a project that its state knows."""
    from orchestrator.record.tokens import Tokens

    return Tokens(wire.state(root))


def keys(env: Mapping[str, str], root: Path | None = None) -> Any:
    """Who may ask `orc serve` for something: ``ORC_TOKENS`` (``name=token,…``, or ``name:scope+scope=token``), ``ORC_TRIGGER_SECRET``
    for senders that sign, and the tokens that the project's state knows.

    Raises:
        UsageError: U092, a token has no name or is too short to be one; U120, a scope is none.
    """
    from orchestrator.app.auditing import scoped
    from orchestrator.serve.keys import Caller, Keys

    found, scopes = {}, {}
    for part in filter(None, (text.strip() for text in env.get("ORC_TOKENS", "").split(","))):
        head, _, token = part.partition("=")
        name, _, said = head.partition(":")
        if not name or len(token) < 16:
            hint = "ORC_TOKENS=ci=…,loader=…: a name and at least 16 characters each; `openssl rand -hex 32` makes one"
            raise UsageError(Problem("U092", f"the token of `{name or '?'}` is too short, or has no name", None, hint))
        found[name] = token
        if said:
            scopes[name] = scoped(name, said.split("+"))
    if root is None:
        return Keys(found, env.get("ORC_TRIGGER_SECRET", ""), scopes)
    known = tokens(root)

    def found_by(hash_: str, now: datetime) -> Caller | None:
        there = known.find(hash_, now)
        return None if there is None else Caller("token", there.name, there.scopes, there.id)

    return Keys(found, env.get("ORC_TRIGGER_SECRET", ""), scopes, found_by, known.any, known.lives)
