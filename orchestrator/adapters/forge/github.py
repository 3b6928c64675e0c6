"""Comments of a pull request on GitHub, github.com or a server of one's own."""

from __future__ import annotations

from typing import Any

from orchestrator.adapters.forge.api import Api
from orchestrator.core.errors import ForgeError, Problem
from orchestrator.core.ports import Clock, Posted
from orchestrator.core.project import Secret

PAGE = 100
MOST_PAGES = 100
PERMISSION = (
    "the token needs to write to pull requests: `permissions: {pull-requests: write}` in the workflow; "
    "in a pull request from a fork the job's own token may only read"
)


class GitHub:
    """The conversation of pull request ``number`` of ``repository`` (``owner/name``)."""

    def __init__(self, base: str, repository: str, number: int, token: Secret, clock: Clock) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": Secret(f"Bearer {token.reveal()}"),
        }
        self._api = Api("GitHub", base, headers, PERMISSION, clock)
        self._comments = f"/repos/{repository}/issues/{number}/comments"
        self._one = f"/repos/{repository}/issues/comments"

    def find(self, marker: str) -> Posted | None:
        """Our own oldest comment with the marker. Whoever else writes the marker into a comment of theirs is not us."""
        mine: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            some = self._api.ask("GET", f"{self._comments}?per_page={PAGE}&page={page}") or []
            mine += [c for c in some if str(c.get("body") or "").lstrip().startswith(marker)]
            if len(some) < PAGE:
                break
        if not mine:
            return None
        name = self._me()
        own = [c for c in mine if _by(c) == name or (name is None and (c.get("user") or {}).get("type") == "Bot")]
        return _posted(min(own, key=lambda c: int(c["id"]))) if own else None

    def create(self, body: str) -> Posted:
        """A new comment."""
        return _posted(self._api.ask("POST", self._comments, {"body": body}))

    def update(self, id_: str, body: str) -> Posted:
        """Another text for a comment."""
        return _posted(self._api.ask("PATCH", f"{self._one}/{id_}", {"body": body}))

    def delete(self, id_: str) -> None:
        """One comment less."""
        self._api.ask("DELETE", f"{self._one}/{id_}")

    def _me(self) -> str | None:
        """Whose token it is; ``None`` for one of an app (a workflow's own is one), which may not ask: apps comment as bots."""
        try:
            return str(self._api.ask("GET", "/user").get("login"))
        except ForgeError as error:
            if error.transient:
                raise
            return None


def _by(comment: dict[str, Any]) -> str | None:
    return (comment.get("user") or {}).get("login")


def _posted(comment: Any) -> Posted:
    if not isinstance(comment, dict) or "id" not in comment:
        raise ForgeError(Problem("U068", "GitHub answers with something that is no comment"), transient=True)
    return Posted(str(comment["id"]), str(comment.get("body") or ""), str(comment.get("html_url") or ""))
