"""A REST API over HTTPS: one request at a time, with a token that goes nowhere else and is never told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from ssl import SSLCertVerificationError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from orchestrator.core.errors import ForgeError, Problem, UsageError
from orchestrator.core.ports import Clock
from orchestrator.core.project import Secret, mask

PATIENCE = 30.0
"""Seconds that one answer may take."""

LARGEST = 64 * 1024 * 1024
"""Bytes of one answer; a hundred comments of the longest kind are far below."""

REDIRECTS = 5
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Api:
    """What is below ``base``. ``headers`` go with every request, the token among them as a :class:`Secret`.

    Raises:
        UsageError: U065, ``base`` is not https (plain http only on this machine).
    """

    def __init__(self, forge: str, base: str, headers: Mapping[str, str], permission: str, clock: Clock) -> None:
        self.forge, self.base, self.permission, self.clock = forge, base.rstrip("/"), permission, clock
        self._headers = {"User-Agent": "orc", "Content-Type": "application/json", **headers}
        self._secrets = tuple(Secret(s.reveal().rpartition(" ")[2]) for s in headers.values() if isinstance(s, Secret))
        where = urlsplit(self.base)
        if where.scheme != "https" and not (where.scheme == "http" and where.hostname in LOOPBACK):
            raise UsageError(Problem("U065", f"`{base}` is not https: the token would be readable on the way"))
        self._opener = _opener(where.hostname in LOOPBACK)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON.

        Raises:
            ForgeError: U067 it is not allowed or not there, U068 the API fails, is busy or silent; ``transient`` where that may pass.
        """
        url = f"{self.base}{path}"
        for _ in range(REDIRECTS):
            status, headers, text = self._once(method, url, body)
            if status not in (301, 302, 307, 308):
                break
            there = urljoin(url, headers.get("Location", ""))
            if _origin(there) != _origin(self.base) or (status in (301, 302) and method != "GET" and not headers.get("Location")):
                raise ForgeError(Problem("U068", f"{self.forge} sends us to another host, where the token must not go ({_host(there)})"))
            url = there
        if 200 <= status < 300:
            return self._parsed(text)
        raise self._refusal(status, headers, text)

    def _once(self, method: str, url: str, body: Mapping[str, Any] | None) -> tuple[int, Message, bytes]:
        content = None if body is None else json.dumps(body).encode()
        sent = {k: v.reveal() if isinstance(v, Secret) else v for k, v in self._headers.items()}
        # S310: the scheme is that of `base` or of a redirect within it, both looked at.
        request = Request(url, content, sent, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=PATIENCE) as reply:
                return reply.status, reply.headers, reply.read(LARGEST)
        except HTTPError as error:
            with error:
                return error.code, error.headers, _rest(error)
        except (URLError, HTTPException, OSError) as error:
            raise self._silence(error) from None  # the request, and with it the token, is not part of any traceback

    def _parsed(self, text: bytes) -> Any:
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            raise ForgeError(Problem("U068", f"{self.forge} answers with something that is no JSON"), transient=True) from None

    def _silence(self, error: Exception) -> ForgeError:
        reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        problem = Problem("U068", f"{self.forge} does not answer: {self._masked(str(reason) or type(reason).__name__)}")
        return ForgeError(problem, transient=not isinstance(reason, SSLCertVerificationError))

    def _refusal(self, status: int, headers: Message, text: bytes) -> ForgeError:
        said = self._said(text)
        told = f": {said}" if said else ""
        busy = status == 429 or (status == 403 and (_spent(headers) or "rate limit" in said.lower()))
        if busy:
            return ForgeError(Problem("U068", f"{self.forge} limits requests ({status}){told}"), transient=True, after=self._after(headers))
        if status in (401, 403, 404):
            return ForgeError(Problem("U067", f"{self.forge} refuses ({status}){told}", hint=self.permission))
        transient = status >= 500 or status in (408, 425)
        return ForgeError(Problem("U068", f"{self.forge} answers with {status}{told}"), transient=transient, after=self._after(headers))

    def _said(self, text: bytes) -> str:
        """The API's own message, one line, at most 300 characters."""
        try:
            found = json.loads(text)
        except ValueError:
            return ""
        words = (found.get("message") or found.get("error") or "") if isinstance(found, dict) else ""
        return self._masked(" ".join(str(words).split())[:300])

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)

    def _after(self, headers: Message) -> float | None:
        """Seconds until the API wants to hear of us again."""
        said = headers.get("Retry-After", "").strip()
        if said.isdigit():
            return float(said)
        try:
            return max(0.0, (parsedate_to_datetime(said) - self.clock.now()).total_seconds()) if said else self._reset(headers)
        except (ValueError, TypeError):
            return None

    def _reset(self, headers: Message) -> float | None:
        reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
        if not reset.isdigit() or not _spent(headers):
            return None
        return max(0.0, (datetime.fromtimestamp(int(reset), UTC) - self.clock.now()).total_seconds())


def _spent(headers: Message) -> bool:
    return "0" in (headers.get("X-RateLimit-Remaining"), headers.get("RateLimit-Remaining")) or "Retry-After" in headers


def _rest(error: HTTPError) -> bytes:
    try:
        return error.read(LARGEST)
    except (HTTPException, OSError):
        return b""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    where = urlsplit(url)
    return where.scheme, where.hostname, where.port


def _host(url: str) -> str:
    return urlsplit(url).hostname or "nowhere"


class _Standing(HTTPRedirectHandler):
    """Follows nothing by itself: urllib would take the token along to wherever it is sent."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A redirect is an answer like any other."""
        return


def _opener(near: bool) -> OpenerDirector:
    return build_opener(_Standing, *([ProxyHandler({})] if near else []))
