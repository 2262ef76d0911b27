"""Requests to Toxiproxy are bounded and typed, and every failure is a sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from driver.errors import LinksError
from driver.labs.toxiproxy_api import Link, ToxiproxyApi
from driver.reference.labs.links import Links


class Server:
    """Answers each path with a status and a body, once `answers_now` is set, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.answers_now = threading.Event()
        self.answers_now.set()
        self.sent: list[tuple[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.sent.append((f"{self.command} {self.path}", json.loads(body) if body else None))
                outer.answers_now.wait(60)
                status, said = outer.answers.get(
                    f"{self.command} {self.path}", (404, {"error": "no such route"})
                )
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.answers_now.set()
    one.http.shutdown()
    one.http.server_close()


@pytest.fixture
def links(server: Server) -> Links:
    return Links("127.0.0.1", server.port)


def test_links_are_made_in_one_call(server: Server, links: Links) -> None:
    server.answers["PUT /lab/links"] = (
        200,
        {"created": ["worker-1"], "kept": [], "replaced": [], "removed": []},
    )
    links.create([Link("worker-1", "[::]:20001", "10.231.0.2:8765")], remove_others=True)
    link = {"name": "worker-1", "listen": "[::]:20001", "upstream": "10.231.0.2:8765"}
    assert server.sent == [("PUT /lab/links", {"links": [link], "remove_others": True})]


def test_the_stock_client_returns_the_enabled_links(server: Server, links: Links) -> None:
    proxy = {"name": "worker-1", "upstream": "c", "listen": "l", "toxics": []}
    server.answers["GET /proxies"] = (
        200,
        {"worker-1": {**proxy, "enabled": True}, "worker-2": {**proxy, "name": "worker-2", "enabled": False}},
    )
    assert links.enabled_names() == {"worker-1"}


def test_a_refusal_names_the_refused_links(server: Server, links: Links) -> None:
    refusal = {"error": "nothing was touched", "status": 400, "links": {"worker-9": "no such link"}}
    server.answers["POST /lab/faults"] = (400, refusal)
    with pytest.raises(LinksError, match=r"nothing was touched \(worker-9: no such link\)"):
        links.begin_fault({"id": "f1"})


def test_an_answer_of_another_server_is_an_error(server: Server, links: Links) -> None:
    server.answers["GET /lab/healthz"] = (200, b"<html>it works</html>")
    with pytest.raises(LinksError, match="something unexpected"):
        links.count()


def test_a_server_that_answers_5xx_in_html_is_an_error_of_the_stock_client_too(
    server: Server, links: Links
) -> None:
    server.answers["GET /proxies"] = (503, b"<html>timeout</html>")
    with pytest.raises(LinksError):
        links.enabled_names()


def test_no_call_waits_for_ever(server: Server) -> None:
    links = Links("127.0.0.1", server.port, call_timeout_s=0.1)
    server.answers_now.clear()
    server.answers["GET /proxies"] = (200, {})
    with pytest.raises(LinksError, match="did not answer in time"):
        links.enabled_names()


def test_a_port_without_a_listener_is_an_error(server: Server, links: Links) -> None:
    server.http.shutdown()
    server.http.server_close()
    assert not links.is_up()
    with pytest.raises(LinksError, match="does not answer"):
        links.states()


def test_proxies_of_the_environment_are_never_used(
    server: Server, links: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.answers["GET /lab/healthz"] = (200, {"version": "2.12.0", "links": 3})
    assert links.count() == 3


def test_two_clients_of_one_process_ask_their_own_servers(server: Server) -> None:
    other = Server()
    try:
        for count, one in enumerate((server, other), 1):
            one.answers["GET /lab/healthz"] = (200, {"links": count})
        first, second = (ToxiproxyApi("127.0.0.1", one.port) for one in (server, other))
        assert (first.count(), second.count(), first.count()) == (1, 2, 1)
    finally:
        other.http.shutdown()
        other.http.server_close()
