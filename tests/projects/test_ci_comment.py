"""`orc ci comment`: one comment, wherever it is, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from orchestrator.app.ci.comment import ATTEMPTS, DEADLINE, Commented, comment
from orchestrator.app.ci.forges import forge
from orchestrator.core.errors import ForgeError, UsageError
from tests.projects.conftest import Make
from tests.projects.forges import GITHUB, GITHUB_ONE, GITLAB, TOKEN, Fault, Page, serving

MARKER = "<!-- orc:review:shop -->"
TEXT = f"{MARKER}\n### ✅ Nothing blocks · no models changed\n"


@dataclass
class Time:
    """A clock that only sleeping moves."""

    at: float = 0.0
    rests: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.at += seconds


@pytest.fixture
def page() -> Iterator[Page]:
    with serving(Page()) as found:
        yield found


@pytest.fixture
def time() -> Time:
    return Time()


def environment(page: Page, kind: str, **more: str) -> Mapping[str, str]:
    if kind == "github":
        return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": page.url, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_TOKEN": TOKEN, **more}  # fmt: skip
    return {"GITLAB_CI": "true", "CI_API_V4_URL": page.url, "CI_PROJECT_ID": "41", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": TOKEN, **more}  # fmt: skip


def post(page: Page, time: Time, kind: str = "github", text: str = TEXT) -> Commented:
    return comment(forge(environment(page, kind), time), text, time, time.rest)


both = pytest.mark.parametrize("kind", ["github", "gitlab"])


@both
def test_a_first_run_creates_and_the_next_ones_change_in_place(page: Page, time: Time, kind: str) -> None:
    assert post(page, time, kind).what == "created"
    assert post(page, time, kind).what == "unchanged"
    assert post(page, time, kind, f"{TEXT}more\n").what == "updated"
    assert [c["body"] for c in page.comments] == [f"{TEXT}more\n"]
    where = (GITHUB, f"{GITHUB_ONE}1000") if kind == "github" else (GITLAB, f"{GITLAB}/1000")
    assert page.writes == [("POST", where[0]), ("PATCH" if kind == "github" else "PUT", where[1])]


@both
def test_ours_is_found_on_the_third_page(page: Page, time: Time, kind: str) -> None:
    for at in range(250):
        page.say(f"comment {at}", "ann", "User")
    page.say(f"{MARKER}\nold")
    assert post(page, time, kind).what == "updated"
    assert len(page.comments) == 251
    assert sum(method == "GET" and path in (GITHUB, GITLAB) for method, path in page.asked) == 3


@pytest.mark.parametrize("full", [100, 200])
def test_a_last_page_that_is_full_is_not_the_end_of_the_world(page: Page, time: Time, full: int) -> None:
    for at in range(full):
        page.say(f"comment {at}", "ann", "User")
    assert post(page, time).what == "created"
    assert post(page, time).what == "unchanged"


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(page: Page, time: Time) -> None:
    theirs = page.say(f"{MARKER}\nall is well, trust me", "mallory", "User")
    assert post(page, time).what == "created"
    assert theirs["body"] == f"{MARKER}\nall is well, trust me"
    assert post(page, time, text=f"{TEXT}more").what == "updated"
    assert theirs["body"] == f"{MARKER}\nall is well, trust me"


@both
def test_with_a_persons_token_only_that_persons_comment_is_ours(page: Page, time: Time, kind: str) -> None:
    page.login = "ann"
    bots = page.say(f"{MARKER}\nfrom the bot", "other[bot]")
    assert post(page, time, kind).what == "created"
    assert post(page, time, kind, f"{TEXT}more").what == "updated"
    assert bots["body"] == f"{MARKER}\nfrom the bot"


def test_another_projects_comment_is_not_ours(page: Page, time: Time) -> None:
    page.say("<!-- orc:review:shop2 -->\nother")
    assert post(page, time).what == "created"
    assert len(page.comments) == 2


@both
def test_a_comment_whose_answer_got_lost_is_not_made_twice(page: Page, time: Time, kind: str) -> None:
    page.login = "me"
    page.faults.append(Fault("POST", lost=True))
    assert post(page, time, kind).what == "unchanged"
    assert len(page.comments) == 1
    assert [method for method, _ in page.writes] == ["POST"]


@both
def test_of_two_jobs_that_comment_at_once_the_first_comment_stays(page: Page, time: Time, kind: str) -> None:
    page.login = "me"
    page.faults.append(Fault("POST", before=f"{MARKER}\nfrom the other job"))
    assert post(page, time, kind).what == "updated"
    assert [c["body"] for c in page.comments] == [TEXT]
    assert page.comments[0]["id"] == 1000


@both
@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_server_that_stumbles_is_asked_again(page: Page, time: Time, kind: str, status: int) -> None:
    page.faults += [Fault("GET", status), Fault("GET", status), Fault("POST", status, body="<html>")]
    assert post(page, time, kind).what == "created"
    assert len(page.comments) == 1
    assert time.rests == [1, 2, 4]


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (Fault("GET", 429, {"Retry-After": "17"}), 17),
        (Fault("POST", 403, {"Retry-After": "60"}, '{"message": "You have exceeded a secondary rate limit"}'), 60),
        (Fault("POST", 403, {}, '{"message": "You have exceeded a secondary rate limit"}'), 1),
        (
            Fault(
                "GET", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) + 42)}
            ),
            42,
        ),
        (Fault("GET", 503, {"Retry-After": format_datetime(datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC), usegmt=True)}), 9),
    ],
    ids=["429", "secondary", "secondary without a time", "spent", "a date"],
)
def test_who_asks_for_patience_gets_it(page: Page, time: Time, fault: Fault, pause: float) -> None:
    page.faults.append(fault)
    assert post(page, time).what == "created"
    assert time.rests == [pause]


def test_patience_has_an_end(page: Page, time: Time) -> None:
    page.faults += [Fault("GET", 500)] * 50
    with pytest.raises(ForgeError) as raised:
        post(page, time)
    assert raised.value.first.code == "U068"
    assert raised.value.first.message == f"GitHub answers with 500: as ordered (tried {ATTEMPTS} times)"
    assert time.at <= DEADLINE


def test_a_wait_beyond_the_deadline_is_not_begun(page: Page, time: Time) -> None:
    page.faults.append(Fault("GET", 429, {"Retry-After": "3600"}))
    with pytest.raises(ForgeError, match="tried 1 time; it asks to wait 3600 s"):
        post(page, time)
    assert time.rests == []


@both
def test_a_missing_permission_is_named(page: Page, time: Time, kind: str) -> None:
    page.writable = False
    with pytest.raises(ForgeError, match="refuses \\(403\\): Resource not accessible") as raised:
        post(page, time, kind)
    assert raised.value.first.code == "U067"
    assert {"github": "pull-requests: write", "gitlab": "scope `api`"}[kind] in str(raised.value.first.hint)
    assert time.rests == []


@both
def test_the_token_goes_nowhere_else(page: Page, time: Time, kind: str) -> None:
    with serving(Page()) as elsewhere:
        page.faults.append(Fault("GET", 302, {"Location": f"{elsewhere.url}{GITHUB}?per_page=100&page=1"}))
        with pytest.raises(ForgeError, match="another host, where the token must not go"):
            post(page, time, kind)
        assert elsewhere.asked == []


def test_a_repository_that_moved_is_followed_on_the_same_host(page: Page, time: Time) -> None:
    page.faults.append(Fault("GET", 301, {"Location": f"{GITHUB}?per_page=100&page=1"}))
    page.faults.append(Fault("POST", 307, {"Location": GITHUB}))
    assert post(page, time).what == "created"
    assert len(page.comments) == 1


def test_no_message_shows_the_token(page: Page, time: Time) -> None:
    page.faults.append(Fault("GET", 401, {}, json.dumps({"message": f"bad token Bearer {TOKEN}"})))
    with pytest.raises(ForgeError) as raised:
        post(page, time)
    assert TOKEN not in str(raised.value)
    assert "****" in str(raised.value)
    assert {t.rpartition(" ")[2] for t in page.tokens} == {TOKEN}


def test_plain_http_is_for_this_machine_only(page: Page, time: Time) -> None:
    with pytest.raises(UsageError, match="is not https"):
        forge(environment(page, "github", GITHUB_API_URL="http://github.example/api"), time)
    with pytest.raises(UsageError, match="is not https"):
        forge(environment(page, "github", GITHUB_API_URL="file:///etc/passwd"), time)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"GITHUB_ACTIONS": ""}, "U065"),
        ({"GITHUB_REF": "refs/heads/main"}, "U065"),
        ({"GITHUB_REPOSITORY": "../../user"}, "U065"),
        ({"GITHUB_TOKEN": ""}, "U066"),
        ({"GITHUB_TOKEN": "a\r\nX-Evil: 1"}, "U066"),
    ],
)
def test_what_the_environment_does_not_tell_is_asked_for(page: Page, time: Time, change: Mapping[str, str], code: str) -> None:
    with pytest.raises(UsageError) as raised:
        forge(environment(page, "github", **change), time)
    assert raised.value.first.code == code
    assert page.asked == []


@pytest.mark.parametrize(
    "event",
    [
        {"pull_request": {"number": 7}},
        {"issue": {"number": 7, "pull_request": {"url": "x"}}},
        {"workflow_run": {"pull_requests": [{"number": 7}]}},
    ],
)
def test_the_event_tells_the_pull_request(page: Page, time: Time, tmp_path: Path, event: object) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event))
    env = environment(page, "github", GITHUB_REF="refs/heads/main", GITHUB_EVENT_PATH=str(tmp_path / "event.json"))
    assert comment(forge(env, time), TEXT, time, time.rest).what == "created"


def test_the_command_posts_the_report_that_orc_ci_wrote(page: Page, project: Make) -> None:
    shop = project({"models/a.sql": "select 1 as x", "target/ci/review.md": TEXT})
    env = environment(page, "github")
    done = shop.process("ci", "comment", env=env).exits(0)
    assert done.stderr == "Comment created https://github.example/acme/shop/pull/7#issuecomment-1000\n"
    assert page.comments[0]["body"] == TEXT
    assert TOKEN not in done.stdout + done.stderr
    assert shop.process("ci", "comment", "--dry-run", env={}).exits(0).stdout == TEXT
    shop.write({"other.md": "hello"})
    assert (
        "does not begin with its marker" in shop.process("ci", "comment", "--report", str(shop.root / "other.md"), env=env).exits(2).stderr
    )
    page.writable = False
    page.comments.clear()
    refused = shop.process("ci", "comment", env=env).exits(2)
    assert "U067" in refused.stderr
    assert TOKEN not in refused.stderr
