"""Browsers: logging in with a token, what their wishes have to come with, what other pages can not do, and how it ends."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from orchestrator.core.audit import Actor
from orchestrator.core.schedule import Schedule
from orchestrator.record.audit import Audit
from orchestrator.record.timetable import Timetable
from orchestrator.record.tokens import Tokens
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Reply, Request
from orchestrator.serve.desk import Desk
from orchestrator.serve.keys import Caller, Keys
from orchestrator.serve.requests import Requests
from orchestrator.serve.routes import SERVED, Route
from orchestrator.serve.sessions import LASTING

TOKEN = "0123456789abcdef"
HOST = "orc.example:8443"
PAUSE = "/api/v1/schedules/nightly/pause"
SPEC = Spec({"nightly": Schedule("nightly", cron="@daily")})
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Browser:
    """Keeps its cookie, and sends it along whoever asks."""

    def __init__(self, folder: Path, keys: Keys | None = None, *, guarded: bool = True, routes: tuple[Route, ...] = SERVED) -> None:
        self.now = AT
        self.place = folder / "state.db"
        self.table = Timetable(self.place, pid=1, host="h")
        desk = Desk(self.table, lambda: SPEC, lambda: self.now, leads=lambda: True, beat=lambda: self.now, guarded=guarded, version="1")
        given = Keys({"ann": TOKEN, "eve": "e" * 16}, scopes={"ann": ("run",), "eve": ("read",)}) if keys is None else keys
        self.answer = Requests(desk, given, routes)
        self.cookie = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        given = {"host": HOST, **({"cookie": self.cookie} if self.cookie else {}), **{k.replace("_", "-"): v for k, v in headers.items()}}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        reply = self.answer(Request(method, path, given, raw, "10.0.0.7"))
        if cookie := reply.headers.get("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return reply

    def login(self, token: str = TOKEN, **headers: str) -> Reply:
        return self.ask("POST", "/login", {"token": token}, **headers)

    def heard(self) -> list[tuple[str, str, str]]:
        return [(e.kind, e.actor, e.action) for e in reversed(Audit(self.place).entries())]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    found = Browser(tmp_path)
    yield found
    found.table.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Browser]:
    """On loopback, where nobody ever made a token."""
    found = Browser(tmp_path, Keys(), guarded=False)
    yield found
    found.table.close()


def test_a_token_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends(browser: Browser) -> None:
    assert browser.ask("GET", "/metrics").status == 401
    reply = browser.login()
    assert reply.status == 200
    cookie = reply.headers["Set-Cookie"]
    assert re.fullmatch(r"orc_session_8443=[\w.=-]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200", cookie)
    assert TOKEN not in cookie + base64.urlsafe_b64decode(cookie.partition("=")[2].partition(".")[0]).decode()
    assert browser.ask("GET", "/metrics").status == 200
    assert browser.login(x_forwarded_proto="https").headers["Set-Cookie"].endswith("; Secure")
    assert browser.heard() == [("user", "ann", "login")] * 2


def test_wishes_of_a_browser_come_with_what_only_our_pages_know(browser: Browser) -> None:
    csrf = browser.login().body["csrf"]
    assert browser.ask("GET", "/api/v1/session").body == {"kind": "user", "name": "ann", "scopes": ["run"], "csrf": csrf, "login": False}
    assert browser.ask("POST", PAUSE).status == 403
    assert [browser.ask("POST", PAUSE, x_csrf_token=text).status for text in ("", csrf[:-1], csrf + "A", "ü")] == [403] * 4
    assert browser.table.board().watches == {}
    assert browser.ask("POST", PAUSE, x_csrf_token=csrf).status == 200
    assert browser.table.board().watches["nightly"].paused == AT
    assert browser.heard()[-1] == ("user", "ann", "schedule.paused")


FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://orc.example:9999"},
    {"origin": "http://orc.example:8443.evil.example"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "none"},
    {"sec_fetch_site": "cross-site", "origin": f"https://{HOST}"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_pages_from_elsewhere_wish_for_nothing(browser: Browser, headers: dict[str, str]) -> None:
    assert browser.login(**headers).status == 403  # nor do they log a browser in as somebody else
    csrf = browser.login().body["csrf"]
    assert browser.ask("POST", PAUSE, x_csrf_token=csrf, **headers).status == 403
    assert browser.ask("POST", "/logout", x_csrf_token=csrf, **headers).status == 403
    assert browser.ask("POST", PAUSE, x_csrf_token=csrf, origin=f"https://{HOST}", sec_fetch_site="same-origin").status == 200


def test_another_session_is_another_secret(browser: Browser, tmp_path: Path) -> None:
    first = browser.login().body["csrf"]
    assert browser.login().body["csrf"] != first
    assert browser.ask("POST", PAUSE, x_csrf_token=first).status == 403


def test_a_browser_may_do_what_its_token_may(browser: Browser) -> None:
    csrf = browser.login("e" * 16).body["csrf"]
    assert browser.ask("GET", "/metrics").status == 200
    assert browser.ask("POST", PAUSE, x_csrf_token=csrf).status == 403
    assert browser.heard()[-1] == ("user", "eve", "request.refused")


def forged(cookie: str, **changes: Any) -> str:
    name, _, value = cookie.partition("=")
    text, _, mark = value.partition(".")
    told = json.loads(base64.urlsafe_b64decode(text))
    for place, change in changes.items():
        told[int(place[1:])] = change
    return f"{name}={base64.urlsafe_b64encode(json.dumps(told).encode()).decode()}.{mark}"


def test_a_cookie_that_we_did_not_give_is_none(browser: Browser, tmp_path: Path) -> None:
    browser.login("e" * 16)
    good = browser.cookie
    wrong = [
        forged(good, _1="ann"),
        forged(good, _2=["admin"]),
        forged(good, _4=9_999_999_999),
        good[:-1],
        f"{good}A",
        good.partition(".")[0],
        "orc_session_8443=",
        "orc_session_8443=.",
        "orc_session_8443=ü.x",
        good.replace("_8443", ""),
        "x" * 5000,
    ]
    for cookie in wrong:
        browser.cookie = cookie
        assert browser.ask("GET", "/metrics").status == 401
        browser.now += timedelta(minutes=2)
    browser.cookie = good
    assert browser.ask("GET", "/metrics").status == 200
    other = Browser(tmp_path / "other")
    other.cookie = good  # another process has another secret
    assert other.ask("GET", "/metrics").status == 401
    other.table.close()


def test_logging_out_ends_the_session_also_for_whoever_kept_the_cookie(browser: Browser) -> None:
    csrf = browser.login().body["csrf"]
    kept = browser.cookie
    assert browser.ask("POST", "/logout").status == 403
    reply = browser.ask("POST", "/logout", x_csrf_token=csrf)
    assert (reply.status, reply.headers["Set-Cookie"]) == (200, "orc_session_8443=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    browser.cookie = kept
    assert browser.ask("GET", "/metrics").status == 401
    assert browser.ask("POST", "/logout").status == 200  # there is nothing left to end
    assert browser.heard() == [("user", "ann", "login"), ("user", "ann", "logout")]


def test_a_session_ends_by_itself(browser: Browser) -> None:
    browser.login()
    browser.now += LASTING - timedelta(seconds=1)
    assert browser.ask("GET", "/metrics").status == 200
    browser.now += timedelta(seconds=1)
    assert browser.ask("GET", "/metrics").status == 401


def test_a_token_that_is_revoked_or_expires_ends_its_sessions(tmp_path: Path) -> None:
    tokens, ann = Tokens(tmp_path / "state.db"), Actor("cli", "ann", "h")
    made = tokens.create("ann", ("run",), ann, AT, AT + timedelta(hours=1))

    def kept(hash_: str, now: datetime) -> Caller | None:
        return Caller("token", t.name, t.scopes, t.id) if (t := tokens.find(hash_, now)) else None

    browser = Browser(tmp_path, Keys(kept=kept, any_kept=tokens.any, lives=tokens.lives))
    assert browser.login(made).status == 200
    assert browser.ask("GET", "/metrics").status == 200
    browser.now += timedelta(hours=1)
    assert browser.ask("GET", "/metrics").status == 401
    browser.now = AT
    tokens.revoke("ann", ann, AT)
    again = tokens.create("ann", ("run",), ann, AT)  # a later one of the same name is another one
    assert browser.ask("GET", "/metrics").status == 401
    assert browser.login(again).status == 200
    browser.table.close()
    tokens.close()


def test_guessing_is_stopped_at_the_door_for_one_address(browser: Browser) -> None:
    assert [browser.login("wrong").status for _ in range(21)] == [401] * 20 + [429]
    assert browser.login().status == 429
    assert browser.answer(Request("POST", "/login", {"host": HOST}, json.dumps({"token": TOKEN}).encode(), "10.0.0.8")).status == 200
    browser.now += timedelta(minutes=1)
    assert browser.login().status == 200
    assert browser.heard().count(("anonymous", "", "login.refused")) == 20


@pytest.mark.parametrize("body", [None, {}, {"token": ""}, {"token": 5}, {"token": TOKEN, "next": "/x"}, b"{", b"\xff"])
def test_what_is_no_token_logs_nobody_in(browser: Browser, body: Any) -> None:
    assert browser.ask("POST", "/login", body).status in (400, 401)
    assert browser.cookie == ""


def test_without_a_script_there_is_a_form(browser: Browser) -> None:
    page = browser.ask("GET", "/login")
    assert (page.status, page.type) == (200, "text/html; charset=utf-8")
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert "script" not in page.body.casefold()
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert browser.ask("POST", "/login", f"token={quote('wrong')}".encode(), **form).status == 401
    reply = browser.ask("POST", "/login", f"token={quote(TOKEN)}".encode(), origin=f"https://{HOST}", **form)
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    assert browser.ask("GET", "/metrics").status == 200


def test_nobody_logs_in_where_nobody_has_a_token_but_wishes_come_from_our_pages(local: Browser) -> None:
    told = local.ask("GET", "/api/v1/session").body
    assert (told["kind"], told["scopes"], told["login"]) == ("local", ["admin"], False)
    assert local.ask("GET", "/metrics").status == 200
    assert local.ask("POST", PAUSE).status == 403
    assert local.ask("POST", PAUSE, x_csrf_token=told["csrf"], origin="http://localhost:3000").status == 403
    assert local.ask("POST", PAUSE, x_csrf_token=told["csrf"]).status == 200
    assert local.heard() == [("local", "", "schedule.paused")]


def test_one_token_locks_the_door_on_loopback_too_and_for_good(tmp_path: Path) -> None:
    tokens, ann = Tokens(tmp_path / "state.db"), Actor("cli", "ann", "h")
    browser = Browser(tmp_path, Keys(any_kept=tokens.any, lives=tokens.lives), guarded=False)
    csrf = browser.ask("GET", "/api/v1/session").body["csrf"]
    tokens.create("ann", ("run",), ann, AT)
    tokens.revoke("ann", ann, AT)
    told = browser.ask("GET", "/api/v1/session").body
    assert told == {"kind": "", "name": "", "scopes": ["read"], "csrf": None, "login": True}
    assert browser.ask("POST", PAUSE, x_csrf_token=csrf).status == 401
    assert browser.ask("GET", "/metrics").status == 200  # reading is what loopback was always good for
    browser.table.close()
    tokens.close()


def test_what_is_not_for_every_reader_is_for_whoever_logs_in(tmp_path: Path) -> None:
    route = Route("GET", "/secrets", "admin", lambda _desk, asked: Reply(200, str(asked.caller)), "What few may see.")
    open_ = Browser(tmp_path, Keys(), guarded=False, routes=(*SERVED, route))
    assert open_.ask("GET", "/secrets").body == "local"
    open_.table.close()
    locked = Browser(tmp_path, Keys({"ann": TOKEN, "boss": "b" * 16}, scopes={"boss": ("admin",)}), guarded=False, routes=(*SERVED, route))
    assert locked.ask("GET", "/secrets").status == 401
    locked.login()
    assert locked.ask("GET", "/secrets").status == 403
    locked.login("b" * 16)
    assert locked.ask("GET", "/secrets").body == "user:boss"
    locked.table.close()


def test_a_proxy_on_this_machine_makes_nobody_local(local: Browser, tmp_path: Path) -> None:
    csrf = local.ask("GET", "/api/v1/session").body["csrf"]
    for header in ("x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "forwarded"):
        assert local.ask("GET", "/metrics", **{header: "1.2.3.4"}).status == 401
        assert local.ask("POST", PAUSE, x_csrf_token=csrf, **{header: "1.2.3.4"}).status == 401
        assert local.ask("GET", "/api/v1/session", **{header: "1.2.3.4"}).body["scopes"] == []
    assert local.ask("GET", "/metrics").status == 200
    behind = Browser(tmp_path / "behind", guarded=False)
    passed = {"x_forwarded_host": "orc.example", "x_forwarded_for": "1.2.3.4, 5.6.7.8", "origin": "https://orc.example"}
    csrf = behind.login(**passed).body["csrf"]
    assert behind.ask("POST", PAUSE, x_csrf_token=csrf, **passed).status == 200
    assert behind.ask("POST", PAUSE, x_csrf_token=csrf, **{**passed, "origin": "https://evil.example"}).status == 403
    behind.table.close()


def test_off_loopback_a_stranger_is_nobody(browser: Browser) -> None:
    assert browser.ask("GET", "/api/v1/session").body == {"kind": "", "name": "", "scopes": [], "csrf": None, "login": True}
    assert browser.ask("POST", PAUSE).status == 401


def test_a_wrong_token_beside_a_good_cookie_is_a_wrong_token(browser: Browser) -> None:
    csrf = browser.login().body["csrf"]
    assert browser.ask("POST", PAUSE, authorization="Bearer wrong", x_csrf_token=csrf).status == 401
