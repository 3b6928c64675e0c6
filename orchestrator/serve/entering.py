"""Logging in and out, and who one is: what pages in a browser ask first."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

from orchestrator.serve.asking import Reply, received, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.door import Door
from orchestrator.serve.sessions import set_cookie

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>orc: log in</title>
<h1>Log in</h1>
<form method="post" action="/login">
<p><label>A token of yours (<code>orc token create NAME --scope run</code>)<br>
<input type="password" name="token" autocomplete="current-password" required autofocus size="60"></label></p>
<p><button>Log in</button></p>
</form>
</html>
"""

POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""The page has a form, and nothing else: no script, no style, no picture."""


def whoever(desk: Desk, asked: Asked) -> Reply:
    """Who a browser is, what it may do, and what its wishes have to come with."""
    caller, csrf = _door(asked).shown(asked.request, desk.now())
    told = {"kind": caller.kind, "name": caller.name, "scopes": list(caller.scopes), "csrf": csrf or None}
    return Reply(200, {**told, "login": not caller.scopes or (not csrf and bool(_door(asked).keys))})


def page(_desk: Desk, _asked: Asked) -> Reply:
    """A form for the token, for browsers without a script."""
    return Reply(200, PAGE, {"Content-Security-Policy": POLICY}, "text/html; charset=utf-8")


def login(desk: Desk, asked: Asked) -> Reply:
    """Begin a session: the token comes as JSON, or from the form."""
    request, form = asked.request, asked.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    try:
        token = _typed(request.body) if form else str(received(request.body, {"token": str}).get("token", ""))
    except ValueError as error:
        return wrong(400, str(error))
    begun = _door(asked).login(request, token, desk.now())
    if isinstance(begun, Reply):
        return begun
    session, value = begun
    cookie = {"Set-Cookie": set_cookie(request, value)}
    if form:
        return Reply(303, "", {**cookie, "Location": "/"})
    csrf = _door(asked).sessions.csrf(session.id)
    told = {"kind": "user", "name": session.name, "scopes": list(session.scopes), "csrf": csrf, "until": session.until.isoformat()}
    return Reply(200, told, cookie)


def logout(desk: Desk, asked: Asked) -> Reply:
    """End the session; the cookie is taken back."""
    if refusal := _door(asked).logout(asked.request, desk.now()):
        return refusal
    return Reply(200, {"login": True}, {"Set-Cookie": set_cookie(asked.request, "", timedelta(0))})


def _door(asked: Asked) -> Door:
    if asked.door is None:
        raise AssertionError("whoever answers requests has a door")
    return asked.door


def _typed(body: bytes) -> str:
    try:
        return parse_qs(body.decode(), max_num_fields=10).get("token", [""])[-1].strip()
    except (UnicodeDecodeError, ValueError):
        raise ValueError("the form cannot be read") from None
