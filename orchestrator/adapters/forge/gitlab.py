"""Notes of a merge request on GitLab, gitlab.com or a server of one's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from orchestrator.adapters.forge.api import Api
from orchestrator.core.errors import ForgeError, Problem
from orchestrator.core.ports import Clock, Posted
from orchestrator.core.project import Secret

PAGE = 100
MOST_PAGES = 100
PERMISSION = (
    "set GITLAB_TOKEN to a project access token with the scope `api` and the role Reporter or higher (masked; protected variables are "
    "not there in merge requests of unprotected branches); a job's own token may not write notes everywhere"
)


class GitLab:
    """The conversation of merge request ``number`` of ``project`` (its number or path). ``job``: the token is the CI job's own."""

    def __init__(self, base: str, project: str, number: int, token: Secret, clock: Clock, *, job: bool = False) -> None:
        self._api = Api("GitLab", base, {"JOB-TOKEN" if job else "PRIVATE-TOKEN": token}, PERMISSION, clock)
        self._notes = f"/projects/{quote(project, safe='')}/merge_requests/{number}/notes"
        self._job = job

    def find(self, marker: str) -> Posted | None:
        """Our own oldest note with the marker."""
        mine: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            some = self._api.ask("GET", f"{self._notes}?per_page={PAGE}&page={page}&sort=asc&order_by=created_at") or []
            mine += [n for n in some if not n.get("system") and str(n.get("body") or "").lstrip().startswith(marker)]
            if len(some) < PAGE:
                break
        if not mine:
            return None
        me = self._me()
        own = [n for n in mine if me is None or (n.get("author") or {}).get("id") == me]
        return _posted(min(own, key=lambda n: int(n["id"]))) if own else None

    def create(self, body: str) -> Posted:
        """A new note."""
        return _posted(self._api.ask("POST", self._notes, {"body": body}))

    def update(self, id_: str, body: str) -> Posted:
        """Another text for a note."""
        return _posted(self._api.ask("PUT", f"{self._notes}/{id_}", {"body": body}))

    def delete(self, id_: str) -> None:
        """One note less."""
        self._api.ask("DELETE", f"{self._notes}/{id_}")

    def _me(self) -> int | None:
        """Whose token it is; ``None`` when GitLab does not say: then only the author may change a note, and GitLab sees to that."""
        try:
            found = self._api.ask("GET", "/job" if self._job else "/user")
        except ForgeError as error:
            if error.transient:
                raise
            return None
        user = found.get("user") if self._job else found
        return user.get("id") if isinstance(user, dict) else None


def _posted(note: Any) -> Posted:
    if not isinstance(note, dict) or "id" not in note:
        raise ForgeError(Problem("U068", "GitLab answers with something that is no note"), transient=True)
    return Posted(str(note["id"]), str(note.get("body") or ""))
