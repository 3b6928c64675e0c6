"""The site's server, over a real socket: its files and nothing else, to this machine and nobody else."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.serve.serve import Serving, serve

POLICY = "default-src 'none'; script-src 'self'"
BIG = json.dumps({"text": "orders " * 1000})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "data" / "nodes").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>shop</title>")
    (folder / "data" / "project.json").write_text(BIG)
    (folder / "data" / "nodes" / "ä b.json").write_text("{}")
    (folder / "app.js").write_text("1")
    (folder / "what.bin").write_bytes(b"\0")
    (folder / ".orc-docs.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "leads-out.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@contextmanager
def running(folder: Path, host: str = "127.0.0.1") -> Iterator[Serving]:
    with serve(folder, host, 0, POLICY) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(site: Path) -> Iterator[Serving]:
    with running(site) as found:
        yield found


class Reply:
    def __init__(self, server: Serving, path: str, method: str = "GET", host: str | None = "", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if host is not None:
            connection.putheader("Host", host or f"127.0.0.1:{server.port}")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        found = connection.getresponse()
        self.status, self.headers, self.body = found.status, found.headers, found.read()
        connection.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?x=1", "text/html; charset=utf-8"),
        ("/data/project.json", "application/json"),
        ("/data/nodes/%C3%A4%20b.json", "application/json"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/what.bin", "application/octet-stream"),
    ],
)
def test_files_have_their_types(server: Serving, path: str, kind: str) -> None:
    reply = Reply(server, path)
    assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
    assert int(reply.headers["Content-Length"]) == len(reply.body)


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/data/../../secret.txt",
        "/data/%2e%2e/app.js",
        "//etc/passwd",
        "/%00",
        "/index.html%00.png",
        "/C:/windows",
        "/leads-out.txt",
        "/.orc-docs.json",
        "/data",
        "/data/",
        "/data/nodes/",
        "/nothing.html",
        "/%ff",
        "/" + "x" * 5000,
        "http://127.0.0.1/index.html",
    ],
)
def test_nothing_else_is_there(server: Serving, path: str) -> None:
    reply = Reply(server, path)
    assert reply.status == 404
    assert b"secret" not in reply.body
    assert b"project.json" not in reply.body


def test_every_answer_is_locked_down(server: Serving) -> None:
    for path in ("/", "/data/project.json", "/nothing"):
        headers = Reply(server, path).headers
        assert headers["Content-Security-Policy"] == f"{POLICY}; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Python" not in headers["Server"]


def test_a_name_from_elsewhere_reads_nothing(server: Serving) -> None:
    port = server.port
    for host in (None, "evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.evil.example:{port}"):
        reply = Reply(server, "/data/project.json", host=host)
        assert (reply.status, b"orders" in reply.body) == (421, False)
    for host in (f"localhost:{port}", f"LOCALHOST:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert Reply(server, "/data/project.json", host=host).status == 200


def test_who_shares_the_site_with_others_is_known_by_any_name(site: Path) -> None:
    with running(site, "0.0.0.0") as server:
        assert Reply(server, "/", host="docs.example.com").status == 200
        assert server.url == f"http://localhost:{server.port}/"


def test_json_is_sent_small_to_who_can_read_it(server: Serving) -> None:
    packed = Reply(server, "/data/project.json", Accept_Encoding="br, gzip;q=0.8")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(BIG) / 10
    assert gzip.decompress(packed.body).decode() == BIG
    whole = Reply(server, "/data/project.json")
    assert (whole.headers["Content-Encoding"], whole.body.decode()) == (None, BIG)
    assert Reply(server, "/", Accept_Encoding="gzip").headers["Content-Encoding"] is None  # not worth it
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_what_the_browser_has_is_not_sent_again_until_it_changes(site: Path, server: Serving) -> None:
    mark = Reply(server, "/data/project.json").headers["ETag"]
    again = Reply(server, "/data/project.json", If_None_Match=mark)
    assert (again.status, again.body) == (304, b"")
    (site / "data" / "project.json").write_text("{}")
    os.utime(site / "data" / "project.json", ns=(1, 1))
    assert Reply(server, "/data/project.json", If_None_Match=mark).body == b"{}"


def test_head_is_get_without_the_content_and_nothing_can_be_sent(server: Serving) -> None:
    head = Reply(server, "/data/project.json", "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(BIG)))
    assert Reply(server, "/", "POST").status == 501


def test_a_taken_port_is_an_error(server: Serving, site: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(site, "127.0.0.1", server.port, POLICY)
