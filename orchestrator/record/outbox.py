"""Incidents and letters in the state database.

Letters are written in the transaction of what they tell of: a status that is known has its letters, whatever happens to the process.
They are sent later, by whoever comes by, at least once; a receiver knows a repetition by its ``id``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.core.alert import Happening, Incident, Letter, Post, Sealed
from orchestrator.core.ports import Link
from orchestrator.record.rows import instant
from orchestrator.record.writing import Writing

GAP = timedelta(seconds=60)
"""A letter that somebody took and said nothing of is free again after this."""

OPEN = (
    "insert into incidents (rule, target, subject, aspect, opened, told, run) values (?, ?, ?, ?, ?, ?, ?)"
    " on conflict (rule, target, subject, aspect) where closed is null do nothing"
)
ADD = (
    "insert into outbox (id, rule, address, kind, subject, run, title, body, data, made, status, tries, due, error, number)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, '', (select coalesce(max(number), 0) + 1 from outbox)) on conflict do nothing"
)
CLOSE = "update incidents set closed = ? where rule = ? and target = ? and subject = ? and aspect = ? and closed is null"


def enclose(connection: Link, posts: Iterable[Post]) -> int:
    """Open and close incidents, and write the letters that are due to that; for a transaction of the caller's. Returns how many letters."""
    count = 0
    for post in posts:
        news = _news(connection, post)
        if not news or not post.told:
            continue
        about = post.happenings if post.mood == "opens" else news
        count += _write(connection, post, post.write(about), about)
    return count


def _news(connection: Link, post: Post) -> tuple[Happening, ...]:
    """The happenings of a post that nobody was told of yet."""
    match post.mood:
        case "tells":
            return post.happenings
        case "opens":
            found = []
            for each in post.happenings:
                at = instant(each.at)
                if connection.execute(OPEN, (post.rule, *each.key(post.kinds), at, at, each.run)).rowcount:
                    found.append(each)
            return tuple(found)
        case "closes":
            held = connection.execute("select target, subject, aspect from incidents where rule = ? and closed is null", (post.rule,))
            known = {(row[0], row[1], row[2]) for row in held.fetchall()}
            found = [each for each in post.happenings if each.key(post.kinds) in known] if known else []
            for each in found:
                connection.execute(CLOSE, (instant(each.at), post.rule, *each.key(post.kinds)))
            return tuple(found)


def _write(connection: Link, post: Post, letter: Letter, about: Sequence[Happening]) -> int:
    at = about[-1].at
    due = post.not_before(at)
    for address in post.addresses(about):
        named = "|".join((post.rule, address, letter.kind, at.isoformat(), *(f"{h.run}/{h.target}/{h.subject}" for h in about)))
        put(connection, Sealed(str(uuid.uuid5(uuid.NAMESPACE_URL, f"orc:{named}")), post.rule, address, letter, at, due), about[0])
    return len(post.addresses(about))


def put(connection: Link, sealed: Sealed, about: Happening) -> None:
    """Put a letter in the outbox, once."""
    letter = sealed.letter
    told = (sealed.id, sealed.rule, sealed.address, letter.kind, about.subject, about.run)
    data = json.dumps({"id": sealed.id, **letter.data}, allow_nan=False)
    connection.execute(ADD, (*told, *map(_text, (letter.title, letter.body, data)), instant(sealed.made), instant(sealed.due)))


class Outbox(Writing):
    """Letters and incidents, for whoever sends or shows them. Each call is a transaction; several threads and processes may share it."""

    def enclose(self, posts: Iterable[Post]) -> int:
        """Open and close incidents, and write letters; returns how many."""
        kept = list(posts)
        if not kept:
            return 0
        with self._writing() as connection:
            return enclose(connection, kept)

    def take(self, now: datetime, limit: int = 20) -> tuple[Sealed, ...]:
        """Letters that are to be sent now, oldest first, for the caller alone: nobody else gets them for a minute."""
        with self._writing() as connection:
            question = "select * from outbox where status = 'waiting' and due <= ? order by due, number limit ?"
            found = [_sealed(row) for row in connection.execute(question, (instant(now), limit)).fetchall()]
            connection.executemany("update outbox set due = ? where id = ?", [(instant(now + GAP), each.id) for each in found])
        return tuple(found)

    def delivered(self, id_: str, now: datetime) -> None:
        """A letter has arrived."""
        with self._writing() as connection:
            done = "update outbox set status = 'sent', sent = ?, tries = tries + 1, error = '' where id = ?"
            connection.execute(done, (instant(now), id_))

    def returned(self, id_: str, error: str, again: datetime | None) -> None:
        """A letter has not arrived: it is tried ``again`` then, or given up."""
        with self._writing() as connection:
            back = "update outbox set status = ?, tries = tries + 1, error = ?, due = coalesce(?, due) where id = ?"
            connection.execute(back, ("waiting" if again else "failed", _text(error), instant(again) if again else None, id_))

    def remind(self, rule: str, before: datetime, now: datetime, due: datetime) -> int:
        """Tell the incidents of a rule again that are open and were told last before an instant; returns how many letters."""
        with self._writing() as connection:
            old = "select * from incidents where rule = ? and closed is null and told <= ?"
            runs = {(row["subject"], row["run"]) for row in connection.execute(old, (rule, instant(before))).fetchall()}
            count = 0
            for subject, run in sorted(runs):
                about = "rule = ? and run = ? and (subject = ? or ? <> '')"
                question = f"select * from outbox where {about} and kind <> 'recovered' order by number desc"
                letters: dict[str, Any] = {}
                for row in connection.execute(question, (rule, run, subject, run)).fetchall():
                    letters.setdefault(row["address"], row)
                for row in letters.values():
                    id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{row['id']}:{instant(now)}"))
                    data = json.dumps({**json.loads(row["data"]), "id": id_, "again": True})
                    title = row["title"] if row["title"].startswith("Still: ") else f"Still: {row['title']}"
                    told = (id_, rule, row["address"], row["kind"], row["subject"], run, title, row["body"], data)
                    count += connection.execute(ADD, (*told, instant(now), instant(due))).rowcount
            connection.execute(
                "update incidents set told = ? where rule = ? and closed is null and told <= ?", (instant(now), rule, instant(before))
            )
        return count

    def letters(self, limit: int = 50, run: str | None = None) -> tuple[Sealed, ...]:
        """The newest letters, newest first."""
        with self._writing() as connection:
            question = "select * from outbox where ? is null or run = ? order by number desc limit ?"
            return tuple(_sealed(row) for row in connection.execute(question, (run, run, limit)).fetchall())

    def incidents(self, limit: int = 50, *, open_only: bool = True) -> tuple[Incident, ...]:
        """Incidents, newest first."""
        with self._writing() as connection:
            question = "select * from incidents where closed is null or ? = 0 order by opened desc, rule, subject limit ?"
            return tuple(_incident(row) for row in connection.execute(question, (int(open_only), limit)).fetchall())

    def counts(self) -> dict[str, int]:
        """How many letters there are of each status, and how often one did not arrive: ``{"sent": 3, "refused": 1}``."""
        with self._writing() as connection:
            found = {str(row[0]): int(row[1]) for row in connection.execute("select status, count(*) from outbox group by 1").fetchall()}
            refused = connection.execute("select sum(tries - case status when 'sent' then 1 else 0 end) from outbox").fetchone()[0]
            return {**found, "refused": int(refused or 0)}


def _sealed(row: Any) -> Sealed:
    letter = Letter(row["kind"], row["title"], row["body"], json.loads(row["data"]))
    sent = None if row["sent"] is None else _at(row["sent"])
    times = (_at(row["made"]), _at(row["due"]))
    return Sealed(row["id"], row["rule"], row["address"], letter, *times, row["status"], row["tries"], row["error"], sent)


def _incident(row: Any) -> Incident:
    closed = None if row["closed"] is None else _at(row["closed"])
    times = (_at(row["opened"]), _at(row["told"]), closed)
    return Incident(row["rule"], row["target"], row["subject"], row["aspect"], *times, row["run"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(text: str) -> str:
    whole = text.replace("\x00", "\\x00")
    return whole if whole.isascii() else whole.encode("utf-8", "backslashreplace").decode("utf-8")
