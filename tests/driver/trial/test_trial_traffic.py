"""Claims about the traffic that a trial sends itself: HTTP requests, and a command of the user's."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.systems.replicas import PublishedAddress
from driver.trial.command_traffic import CommandTraffic, variable
from driver.trial.http_traffic import HttpTraffic, check_url, published_url
from tests.waiting import eventually_in_thread

LIMIT_S = 20.0
PUBLISHED = [PublishedAddress("api", 8000, "127.0.0.1:49153"), PublishedAddress("api", 80, "127.0.0.1:49154")]


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(500 if "broken" in self.path else 404 if "missing" in self.path else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def counted(url: str, address: str) -> tuple[bool, bool]:
    """Whether requests were answered, and whether some failed, once there were five."""
    traffic = HttpTraffic("get", url, 100.0)
    traffic.send_to([PublishedAddress("api", 8000, address)])
    try:
        eventually_in_thread(
            lambda: traffic.counters().answered + traffic.counters().failed >= 5, "five requests", LIMIT_S
        )
    finally:
        traffic.end()
    return traffic.counters().answered > 0, traffic.counters().failed > 0


@pytest.mark.parametrize(
    ("path", "answered"), [("/", True), ("/missing", True), ("/broken", False)], ids=["200", "404", "500"]
)
def test_a_request_is_answered_by_a_status_below_500(address: str, path: str, answered: bool) -> None:
    assert counted(f"http://api:8000{path}", address) == (answered, not answered)


def test_a_request_to_a_closed_port_fails() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert counted("http://api:8000/", f"127.0.0.1:{closed.getsockname()[1]}") == (False, True)


def test_a_url_s_service_becomes_the_address_at_which_it_is_published() -> None:
    assert published_url("http://API:8000/a?b=c", PUBLISHED) == "http://127.0.0.1:49153/a?b=c"
    assert published_url("http://api/", PUBLISHED) == "http://127.0.0.1:49154/"


def test_a_url_of_a_service_that_publishes_no_such_port_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"api:9 is no published port.*api:8000, api:80"):
        published_url("http://api:9/", PUBLISHED)
    with pytest.raises(UsageError, match="It publishes none: give --traffic"):
        published_url("http://api:9/", [])


@pytest.mark.parametrize("url", ["api:8000", "https://api/", "http://", "http://api:x/"])
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--http takes a method and a URL"):
        check_url(url)


def test_a_command_has_the_published_addresses_and_its_output_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("echo $API_8000; sleep 60", log)
    traffic.send_to(PUBLISHED)
    try:
        eventually_in_thread(lambda: "127.0.0.1:49153" in log.read_text(), "the command's output", LIMIT_S)
    finally:
        traffic.end()


def test_a_command_that_ended_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("echo once", log)
    traffic.send_to([])

    def twice() -> bool:
        traffic.counters()
        return log.read_text().count("once") >= 2

    try:
        eventually_in_thread(twice, "the command runs again", LIMIT_S)
    finally:
        traffic.end()


def test_a_command_ends_with_all_that_it_started(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("sleep 300 & echo $!; wait", log)
    traffic.send_to([])
    eventually_in_thread(lambda: bool(log.read_text().strip()), "the child's number", LIMIT_S)
    child = int(log.read_text())
    traffic.end()
    eventually_in_thread(lambda: not is_alive(child), "the child has ended", LIMIT_S)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_variable_s_name_is_one_of_the_shell() -> None:
    assert variable(PublishedAddress("my-api.v2", 80, "")) == "MY_API_V2_80"
