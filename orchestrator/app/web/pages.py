"""The pages of a daemon: the site's own, told that it is served live, and ways into it that are easy to write down."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from urllib.parse import quote

from orchestrator.app.web.seen import known
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.serve import COMPRESSED, LITTLE, TYPES

LIVE = b'<meta name="orc-live" content="/api/v1" />'
"""What tells the page that there is somebody to ask."""

_CHARSET = b'<meta charset="utf-8" />'

PLACES = ("runs", "schedules", "freshness", "alerts", "audit", "system", "map", "list", "project")
"""Pages without a name in their address."""


def page(desk: Desk, _asked: Asked) -> Reply:
    """The page, with everything on it locked down; what it shows it asks for."""
    if desk.site is None:
        return wrong(404, "there is nothing here")
    content = desk.site.page()
    if _CHARSET not in content:
        raise AssertionError("the built page does not say its character set")
    told = content.replace(_CHARSET, _CHARSET + b"\n    " + LIVE, 1)
    return Reply(200, told, {"Content-Security-Policy": f"{desk.site.policy}; frame-ancestors 'none'"}, "text/html; charset=utf-8")


def file(desk: Desk, asked: Asked) -> Reply:
    """A file of the page, or of what was generated of the project."""
    found = desk.site.file(asked.request.place) if desk.site is not None else None
    if found is None:
        return wrong(404, "there is nothing here")
    try:
        facts, content = found.stat(), found.read_bytes()
    except OSError:  # generated anew while we looked
        return wrong(404, "there is nothing here")
    suffix = found.suffix.lower()
    wanted = {word.split(";")[0].strip() for word in asked.request.headers.get("accept-encoding", "").lower().split(",")}
    packs = "gzip" in wanted and suffix in COMPRESSED and len(content) > LITTLE
    mark = f'"{facts.st_mtime_ns:x}-{len(content):x}{"-gz" if packs else ""}"'
    headers = {"ETag": mark, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if mark in asked.request.headers.get("if-none-match", ""):
        return Reply(HTTPStatus.NOT_MODIFIED, b"", headers, TYPES.get(suffix, "application/octet-stream"))
    if packs:
        content, headers = gzip.compress(content, 3, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return Reply(200, content, headers, TYPES.get(suffix, "application/octet-stream"))


def way(desk: Desk, asked: Asked) -> Reply:
    """`/runs/ID`, `/models/NAME`, `/schedules`, …: addresses for messages and people, which lead to the page's own."""
    kind, _, rest = asked.request.place.removeprefix("/").partition("/")
    if kind == "models" and rest:
        return _to(f"node/{quote(known(desk).find(asked.places['name']) or asked.places['name'])}")
    if kind == "models":
        return _to("list?kind=model")
    if kind == "runs" and rest:
        return _to(f"run/{quote(asked.places['run'])}")
    return _to(kind)


def _to(place: str) -> Reply:
    return Reply(HTTPStatus.FOUND, b"", {"Location": f"/#/{place}"}, "text/plain; charset=utf-8")
