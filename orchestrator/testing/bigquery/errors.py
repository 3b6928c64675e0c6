"""Errors as BigQuery words them: an HTTP status, a reason, a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STATUS = {
    "invalid": 400,
    "invalidQuery": 400,
    "notFound": 404,
    "duplicate": 409,
    "conditionNotMet": 412,
    "resourceInUse": 400,
    "accessDenied": 403,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "jobRateLimitExceeded": 403,
    "bytesBilledLimitExceeded": 400,
    "tooManyRequests": 429,
    "internalError": 500,
    "jobInternalError": 500,
    "backendError": 503,
    "notImplemented": 501,
    "stopped": 400,
    "timeout": 400,
    "resourcesExceeded": 400,
}
"""The HTTP status that goes with a reason."""

WORDS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION"}


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818  the server's answer, not our failure
    """BigQuery says no; ``location`` is what a client shows as the place (``query`` for errors in SQL)."""

    reason: str
    message: str
    location: str | None = None
    code: int = 0

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"

    @property
    def status(self) -> int:
        """The HTTP status of an answer that carries it."""
        return self.code or STATUS[self.reason]

    @property
    def proto(self) -> dict[str, Any]:
        """As a job's ``errorResult``."""
        place = {"location": self.location} if self.location else {}
        return {"reason": self.reason, "message": self.message, **place}

    @property
    def body(self) -> dict[str, Any]:
        """As the body of an HTTP answer."""
        item = {"domain": "global", **self.proto}
        if self.location:
            item |= {"locationType": "parameter"}
        return {"error": {"code": self.status, "message": self.message, "errors": [item], "status": WORDS.get(self.status, "INTERNAL")}}


def unknown(what: str) -> Refusal:
    """What this fake does not do: it says so instead of doing something like it."""
    return Refusal("notImplemented", f"The BigQuery fake does not do this: {what}")


def invalid_query(message: str) -> Refusal:
    """An error in the text of a query."""
    return Refusal("invalidQuery", message, "query")


def missing(kind: str, name: str, location: str | None = None) -> Refusal:
    """Something is not there.

    >>> missing("Table", "p:d.t", "US").message
    'Not found: Table p:d.t was not found in location US'
    """
    return Refusal("notFound", f"Not found: {kind} {name}" + (f" was not found in location {location}" if location else ""))


def taken(kind: str, name: str) -> Refusal:
    """Something is there already."""
    return Refusal("duplicate", f"Already Exists: {kind} {name}")
