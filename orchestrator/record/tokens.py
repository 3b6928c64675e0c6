"""Tokens for HTTP, in the state database: their hashes, what they are good for, and until when. The tokens themselves are kept nowhere."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.audit import Actor, Deed
from orchestrator.core.errors import Problem, UsageError
from orchestrator.record.audit import append
from orchestrator.record.rows import instant
from orchestrator.record.writing import Writing

PREFIX = "orc_"
"""How tokens begin: what looks for lost secrets in files finds them by it."""

SEEN = timedelta(minutes=1)
"""How exactly it is known when a token was last used."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without what makes it one. ``used`` is known to the minute."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    created_by: str
    expires: datetime | None = None
    used: datetime | None = None
    revoked: datetime | None = None
    revoked_by: str | None = None

    def status(self, now: datetime) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked else "expired" if self.expires is not None and self.expires <= now else "valid"


class Tokens(Writing):
    """The tokens of a project."""

    def create(self, name: str, scopes: Iterable[str], by: Actor, now: datetime, expires: datetime | None = None) -> str:
        """Make a token; what is returned is the only copy of it.

        Raises:
            UsageError: U120, there is one of that name.
        """
        token = PREFIX + secrets.token_urlsafe(32)
        wanted = tuple(dict.fromkeys(scopes))
        with self._writing() as connection:
            if connection.execute("select 1 from tokens where name = ? and revoked is null", (name,)).fetchone() is not None:
                raise UsageError(Problem("U120", f"there is a token `{name}` already", None, f"orc token revoke {name}, or another name"))
            until = None if expires is None else instant(expires)
            row = (str(uuid.uuid4()), name, hashed(token), json.dumps(wanted), instant(now), by.name, until)
            connection.execute(
                "insert into tokens (id, name, hash, scopes, created, created_by, expires) values (?, ?, ?, ?, ?, ?, ?)", row
            )
            append(connection, Deed(by, "token.created", name, after={"scopes": wanted, "expires": expires}), now)
        return token

    def revoke(self, name: str, by: Actor, now: datetime) -> bool:
        """Make a token worthless; false when there is none of that name that is worth something."""
        with self._writing() as connection:
            gone = "update tokens set revoked = ?, revoked_by = ? where name = ? and revoked is null"
            if not connection.execute(gone, (instant(now), by.name, name)).rowcount:
                return False
            append(connection, Deed(by, "token.revoked", name), now)
            return True

    def find(self, hash_: str, now: datetime) -> Token | None:
        """The token with this hash, if it is still good for something; it counts as used."""
        with self._writing() as connection:
            row = connection.execute("select * from tokens where hash = ?", (hash_,)).fetchone()
            found = None if row is None else _token(row)
            if found is None or found.status(now) != "valid":
                return None
            if found.used is None or now - found.used >= SEEN:
                connection.execute("update tokens set used = ? where id = ?", (instant(now), found.id))
            return found

    def lives(self, id_: str, now: datetime) -> bool:
        """Whether a token is still good for something, by its id."""
        with self._writing() as connection:
            row = connection.execute("select * from tokens where id = ?", (id_,)).fetchone()
            return row is not None and _token(row).status(now) == "valid"

    def listed(self) -> tuple[Token, ...]:
        """All there ever were, newest first."""
        with self._writing() as connection:
            return tuple(_token(row) for row in connection.execute("select * from tokens order by created desc, id").fetchall())

    def any(self) -> bool:
        """Whether there ever was one: whoever once asked for keys wants the door locked, also when the last one has expired."""
        with self._writing() as connection:
            return connection.execute("select 1 from tokens limit 1").fetchone() is not None


def hashed(token: str) -> str:
    """What is kept of a token. It is 32 random bytes: its hash needs no salt and no delay."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _token(row: Any) -> Token:
    def at(name: str) -> datetime | None:
        return None if row[name] is None else datetime.fromisoformat(row[name])

    scopes, created = tuple(json.loads(row["scopes"])), datetime.fromisoformat(row["created"])
    ends = (at("expires"), at("used"), at("revoked"), row["revoked_by"])
    return Token(row["id"], row["name"], scopes, created, row["created_by"], *ends)
