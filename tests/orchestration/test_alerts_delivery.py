"""How letters leave: JSON over HTTP by ourselves, Slack and mail by apprise, to receivers on this machine."""

from __future__ import annotations

import hashlib
import hmac
import sys
from datetime import UTC, datetime
from email import message_from_string

import pytest

from orchestrator.adapters.courier import Courier, Refused
from orchestrator.core.alert import Letter, Sealed
from orchestrator.core.errors import ConfigError
from tests.orchestration.mailbox import post_office, sink

AT = datetime(2026, 1, 1, tzinfo=UTC)
LETTER = Letter(
    "node_failed", "stg failed (prod)", "stg: no such column\n\nhttps://orc.example/runs/r1", {"event": "node_failed", "run": "r1"}
)
SEALED = Sealed("id-1", "oncall", "to 0", LETTER, AT, AT)


class TestJson:
    def test_programs_get_the_facts_and_an_id_to_know_repetitions_by(self) -> None:
        with sink() as receiver:
            Courier().deliver(f"{receiver.url}/hook/a?team=x", SEALED)
        [got] = receiver.requests
        assert (got.path, got.headers["content-type"], got.headers["idempotency-key"]) == ("/hook/a?team=x", "application/json", "id-1")
        assert got.json == {"event": "node_failed", "run": "r1", "id": "id-1", "text": LETTER.body}
        assert "x-signature-256" not in got.headers

    @pytest.mark.parametrize("as_option", [True, False])
    def test_a_signature_is_of_the_time_and_the_body(self, *, as_option: bool) -> None:
        with sink() as receiver:
            url = f"{receiver.url}/?secret=key+1" if as_option else receiver.url
            Courier(lambda: AT).deliver(url, SEALED, "" if as_option else "key 1")
        [got] = receiver.requests
        stamp = got.headers["x-timestamp"]
        due = hmac.new(b"key 1", stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
        assert (stamp, got.headers["x-signature-256"], got.path) == (str(int(AT.timestamp())), f"sha256={due}", "/")

    def test_headers_and_a_password_go_along(self) -> None:
        with sink() as receiver:
            Courier().deliver(f"json://ann:pass%40word@127.0.0.1:{receiver.port}/?+X-Token=abc", SEALED)
        [got] = receiver.requests
        assert (got.headers["x-token"], got.headers["authorization"]) == ("abc", "Basic YW5uOnBhc3NAd29yZA==")
        assert got.path == "/"

    @pytest.mark.parametrize(("code", "said"), [(500, "500"), (404, "404"), (302, "302")])
    def test_what_a_receiver_refuses_has_not_arrived(self, code: int, said: str) -> None:
        with sink() as receiver:
            receiver.answers = [code]
            with pytest.raises(Refused, match=said):
                Courier().deliver(receiver.url, SEALED)
        assert len(receiver.requests) == 1  # and nobody follows to where it points

    def test_a_receiver_that_is_not_there_is_said(self) -> None:
        with sink() as receiver:
            port = receiver.port
        with pytest.raises(Refused, match="cannot be reached"):
            Courier().deliver(f"json://127.0.0.1:{port}", SEALED)


@pytest.fixture(name="apprise")
def _apprise() -> None:
    pytest.importorskip("apprise", reason="the extra `alerts` is not installed")


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what apprise imports of Python 3.11
@pytest.mark.usefixtures("apprise")
class TestApprise:
    def test_4_21_slack(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from apprise.plugins.slack import NotifySlack

        with sink() as receiver:
            monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}/services")
            Courier().deliver("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#data", SEALED)
        [got] = receiver.requests
        assert got.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        assert (got.json["channel"], got.json["attachments"][0]["title"]) == ("#data", LETTER.title)
        assert "no such column" in got.json["attachments"][0]["text"]

    def test_4_21_mail(self) -> None:
        with post_office() as (port, letters):
            Courier().deliver(f"mailto://ann:pw@127.0.0.1:{port}?from=orc@orc.example&to=team@orc.example&mode=insecure", SEALED)
        [text] = letters
        mail = message_from_string(text.replace("\r\n", "\n"))
        parts = [p.get_payload(decode=True) for p in mail.walk() if p.get_content_maintype() == "text"]
        assert (mail["Subject"], mail["To"]) == (LETTER.title, "team@orc.example")
        assert b"no such column" in b"".join(p for p in parts if isinstance(p, bytes))

    def test_what_a_service_refuses_has_not_arrived_and_says_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from apprise.plugins.slack import NotifySlack

        with sink() as receiver:
            receiver.answers = [403]
            monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}/services")
            with pytest.raises(Refused) as caught:
                Courier().deliver("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#data", SEALED)
        assert "403" in str(caught.value)
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(caught.value)

    @pytest.mark.parametrize("url", ["nonsense://x", "slack://", "nothing at all"])
    def test_an_address_that_nobody_knows_never_works(self, url: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Courier().deliver(url, SEALED)
        assert caught.value.first.code == "U099"


class TestWithoutApprise:
    def test_it_is_said_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "apprise", None)
        with pytest.raises(ConfigError) as caught:
            Courier().deliver("slack://a/b/c", SEALED)
        assert "pip install 'sql-orchestrator[alerts]'" in (caught.value.first.hint or "")
