"""How letters leave: JSON over HTTP by ourselves, everything else by apprise, where it is installed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from orchestrator.core.alert import Sealed
from orchestrator.core.errors import ConfigError, Problem

PATIENCE = 10.0
"""Seconds that a receiver may take to answer."""

OWN = {"json": "http", "jsons": "https"}
"""Schemes we speak ourselves, and what they are."""

_GOOD = frozenset({"recovered", "run_succeeded", "exposure_updated"})
_WARNING = frozenset({"node_retried", "deadline_at_risk", "node_slow", "schedule_missed"})


class Refused(Exception):  # noqa: N818 - it says what is the case
    """A letter has not arrived; the text says why, without the address."""


class Courier:
    """Delivers letters. ``now`` is the time that a signature is made at."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    def deliver(self, url: str, sealed: Sealed, secret: str = "") -> None:
        """Bring a letter to an address; with a ``secret`` (also ``?secret=`` of a ``json://`` address) it is signed.

        Raises:
            Refused: it has not arrived; trying again may help.
            ConfigError: U099, it never will: nobody knows such an address, or what it takes is not installed.
        """
        if urlsplit(url).scheme.lower() in OWN:
            _post(url, sealed, secret, self._now())
        else:
            _by_apprise(url, sealed)


def _post(url: str, sealed: Sealed, secret: str, now: datetime) -> None:
    """``json://[user:password@]host[:port]/path?+Header=value&secret=key``."""
    from base64 import b64encode
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    parts = urlsplit(url)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = "&".join(f"{quote(k)}={quote(v)}" for k, v in asked if k[0] not in "+ " and k != "secret")
    place = parts.netloc.rpartition("@")[2]
    there = f"{OWN[parts.scheme.lower()]}://{place}{parts.path or '/'}{f'?{kept}' if kept else ''}"
    letter = sealed.letter
    body = json.dumps({**letter.data, "id": sealed.id, "text": letter.body}, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "orc", "Idempotency-Key": sealed.id}
    headers |= {k[1:]: v for k, v in asked if k[0] in "+ "}  # a plus is a space where forms are encoded
    if parts.username is not None:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(word.encode()).decode()}"
    if key := secret or dict(asked).get("secret"):
        stamp = str(int(now.timestamp()))
        headers["X-Timestamp"] = stamp
        headers["X-Signature-256"] = f"sha256={signature(key, stamp, body)}"
    try:
        with _opener().open(Request(there, body, headers, method="POST"), timeout=PATIENCE):  # noqa: S310 - http and https only
            pass
    except HTTPError as error:
        with suppress(OSError):
            error.close()
        raise Refused(f"the receiver says {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Refused(f"it cannot be reached ({_reason(error)})") from None


def signature(key: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 of ``<timestamp>.<body>``: what triggers of `orc serve` are signed with, too.

    >>> signature("key", "1767225600", b"{}")[:12]
    'df344de429b8'
    """
    return hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def ping(url: str) -> None:
    """Ask for a web page, so that somebody hears from us. Raises :class:`Refused`."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused("`heartbeat_url` is no address of a web page")
    try:
        with _opener().open(Request(url, headers={"User-Agent": "orc"}), timeout=PATIENCE):  # noqa: S310 - http and https only
            pass
    except HTTPError as error:
        with suppress(OSError):
            error.close()
        raise Refused(f"the heartbeat is refused: {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Refused(f"the heartbeat goes nowhere ({_reason(error)})") from None


def _opener() -> Any:
    """No redirects: who is told is who was named."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Another address is an answer we do not follow."""

    return build_opener(Stay())


def _reason(error: Exception) -> str:
    found = getattr(error, "reason", None) or error
    return getattr(found, "strerror", None) or type(found).__name__


def _by_apprise(url: str, sealed: Sealed) -> None:
    scheme = urlsplit(url).scheme or "?"
    try:
        import apprise
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] != "apprise":
            raise
        hint = "pip install 'sql-orchestrator[alerts]'; json:// and jsons:// need nothing"
        raise ConfigError(Problem("U099", f"`{scheme}://` needs apprise, which is not installed", None, hint)) from None
    asset = apprise.AppriseAsset(app_id="orc", app_desc="orc", app_url="", async_mode=False)
    try:
        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    except TypeError:  # what is no address at all
        service = None
    if service is None:
        raise ConfigError(
            Problem("U099", f"this `{scheme}://` address is none that apprise knows", None, "apprise's documentation lists them")
        )
    service.socket_connect_timeout = service.socket_read_timeout = PATIENCE
    letter = sealed.letter
    kind = apprise.NotifyType.SUCCESS if letter.kind in _GOOD else apprise.NotifyType.WARNING
    kind = kind if letter.kind in _GOOD | _WARNING else apprise.NotifyType.FAILURE
    box = apprise.Apprise(asset=asset)
    box.add(service)
    with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as said:
        try:
            arrived = box.notify(
                body=letter.body or letter.title, title=letter.title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
        except Exception as error:  # noqa: BLE001  # whatever a service of apprise's does wrong is no failure of ours
            raise Refused(f"apprise: {type(error).__name__}: {error}") from None
        lines = [] if said is None else said.getvalue().strip().splitlines()
    if not arrived:
        raise Refused(lines[0] if lines else f"{service.service_name} did not take it")
