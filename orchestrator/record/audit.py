"""The audit in the state database: entries are added one after the other, whoever writes, and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.core.audit import COLUMNS, GENESIS, PRUNED, Actor, Deed, Entry, Head, Verdict, hashed, verified
from orchestrator.core.event import RunStarted, plain
from orchestrator.core.ports import Link
from orchestrator.record.database import Place, database, reading, transaction
from orchestrator.record.rows import instant

_ADD = f"insert into audit ({', '.join(COLUMNS)}) values ({', '.join('?' for _ in COLUMNS)})"
_LAST = "select seq, hash from audit order by seq desc limit 1"
_SEEN = "update runs set audited = ?, audit = ? where id = ?"

TOLD = ("select", "exclude", "selector", "full_refresh", "environment", "retry_of", "backfill", "backfill_start", "launch")
"""Options of a run that the audit repeats. Values of variables are not among them: they may be private."""

GATED = ("run", "build", "seed", "snapshot")
"""Commands that test before they publish, unless they are told not to."""


def append(connection: Link, deed: Deed, at: datetime) -> Entry:
    """Add what somebody does to the chain, in a transaction of the caller's that nobody else writes beside (all of ours are such)."""
    last = connection.execute(_LAST).fetchone()
    seq, previous = (last["seq"] + 1, last["hash"]) if last is not None else (1, GENESIS)
    who = deed.actor
    said = [_sayable(text) for text in (who.kind, who.name, who.source, deed.action, deed.object)]
    kind, name, source, action, object_ = said
    entry = Entry(seq, instant(at), kind, name, source, action, object_, _json(deed.before), _json(deed.after), deed.run, previous)
    entry = replace(entry, hash=hashed(entry))
    connection.execute(_ADD, _values(entry))
    return entry


def began(connection: Link, event: RunStarted, by: Actor) -> None:
    """Add the beginning of a run, and let its row remember where the chain ended then: a chain that is cut later misses that."""
    given = event.arguments
    told = {"command": event.command, "target": event.target, "trigger": event.trigger, "git_sha": event.git_sha, "dirty": event.dirty}
    asked = {name: given[name] for name in TOLD if given.get(name)}
    action = "run.retried" if given.get("retry_of") else "run.started"
    if event.command in GATED and given.get("gates") is False:
        append(connection, Deed(by, "gates.overridden", event.run, after={"command": event.command}, run=event.run), event.at)
    if given.get("allow"):
        append(connection, Deed(by, "target.overridden", event.run, after={"allow": given["allow"]}, run=event.run), event.at)
    entry = append(connection, Deed(by, action, event.run, after={**told, **asked}, run=event.run), event.at)
    connection.execute(_SEEN, (entry.seq, entry.hash, event.run))


class Audit:
    """The audit of a project, wherever its state is."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def add(self, deed: Deed, at: datetime) -> Entry:
        """Write down what somebody does that is no transaction of ours."""
        link = database(self._place, create=True)
        try:
            with transaction(link, self._place) as connection:
                return append(connection, deed, at)
        finally:
            link.close()

    def entries(self, since: datetime | None = None, action: str = "", actor: str = "", limit: int | None = None) -> tuple[Entry, ...]:
        """The newest entries, newest first: of actions and actors that begin so."""
        from_ = None if since is None else instant(since)
        where = "(? is null or at >= ?) and substr(action, 1, length(?)) = ? and substr(actor, 1, length(?)) = ?"
        question = f"select * from audit where {where} order by seq desc limit ?"
        parameters = (from_, from_, action, action, actor, actor, _BEYOND if limit is None else limit)
        with reading(self._place) as connection:
            return () if connection is None else tuple(_entry(row) for row in connection.execute(question, parameters).fetchall())

    def verify(self, heads: Iterable[str] = ()) -> Verdict:
        """Whether the chain is as it was written, and reaches every end that a run saw, and each of ``heads`` that somebody kept."""
        with reading(self._place) as connection:
            if connection is None:
                return verified((), (Head(None, each, "somebody") for each in heads))
            question = "select id, audited, audit from runs where audit is not null order by audited"
            # The runs first: what is added meanwhile only makes the chain longer.
            seen = [Head(row["audited"], row["audit"], f"run {row['id'][:8]}") for row in connection.execute(question).fetchall()]
            asked = [Head(None, each, "somebody") for each in heads]
            rows = connection.execute("select * from audit order by seq")
            return verified((_entry(row) for row in rows), [*seen, *asked])

    def prune(self, before: datetime, by: Actor, at: datetime) -> int:
        """Take away the entries from before an instant; an entry stays that says so, with the hash they ended with. Returns how many."""
        try:
            link = database(self._place, create=False)
        except FileNotFoundError:
            return 0
        try:
            with transaction(link, self._place) as connection:
                question = (
                    "select seq, hash from audit where seq < (select coalesce(min(seq), ?) from audit where at >= ?) order by seq desc"
                )
                last = connection.execute(f"{question} limit 1", (_BEYOND, instant(before))).fetchone()
                if last is None:
                    return 0
                count = int(connection.execute("select count(*) as n from audit where seq <= ?", (last["seq"],)).fetchone()["n"])
                change = {"hash": last["hash"], "rows": count, "until": instant(before)}
                append(connection, Deed(by, PRUNED, str(last["seq"]), after=change), at)
                connection.execute("delete from audit where seq <= ?", (last["seq"],))
                return count
        finally:
            link.close()


_BEYOND = 2**62
"""A number that no entry has."""


def _values(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in COLUMNS)


def _entry(row: Any) -> Entry:
    return Entry(*(row[name] for name in COLUMNS))


def _json(change: Mapping[str, Any] | None) -> str | None:
    return None if change is None else json.dumps(plain(change), sort_keys=True)


def _sayable(text: str) -> str:
    """A text as both kinds of database give it back: what is hashed has to be what is kept."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
