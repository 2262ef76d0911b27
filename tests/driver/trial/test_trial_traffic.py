"""Claims about the traffic that a trial sends itself: HTTP requests, and a command of the user's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from driver.cli.options_traffic import json_body
from driver.errors import UsageError
from driver.paths import project_root
from driver.port_variables import port_variable
from driver.systems.replicas import PublishedAddress
from driver.trial import command_traffic
from driver.trial.command_traffic import CommandTraffic
from driver.trial.http_traffic import HttpTraffic, check_url, published_url
from tests.waiting import eventually_in_thread

LIMIT_S = 20.0
PUBLISHED = [PublishedAddress("api", 8000, "127.0.0.1:49153"), PublishedAddress("api", 80, "127.0.0.1:49154")]


received: list[tuple[str, Any]] = []


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(500 if "broken" in self.path else 404 if "missing" in self.path else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(202)
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


def read(log: Path) -> str:
    return log.read_text().strip() if log.exists() else ""


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


def test_a_request_has_its_body_with_a_key_of_its_own(address: str) -> None:
    received.clear()
    traffic = HttpTraffic("post", "http://api:8000/", 100.0, json_body('{"item": "${key}", "count": "${n}"}'))
    traffic.send_to([PublishedAddress("api", 8000, address)])
    try:
        eventually_in_thread(lambda: len(received) >= 3, "three bodies", LIMIT_S)
    finally:
        traffic.end()
    assert {kind for kind, _ in received} == {"application/json"}
    assert sorted(body["count"] for _, body in received)[:3] == [1, 2, 3]
    assert len({body["item"] for _, body in received}) == len(received)


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
    traffic = CommandTraffic("echo $API_8000; sleep 60", log, print)
    traffic.send_to(PUBLISHED)
    try:
        eventually_in_thread(lambda: "127.0.0.1:49153" in read(log), "the command's output", LIMIT_S)
    finally:
        traffic.end()


def test_a_command_that_ended_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("echo once", log, print)
    traffic.send_to([])
    try:
        ended_again(traffic, log, "once", 2)
    finally:
        traffic.end()


def test_a_command_ends_with_all_that_it_started(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("sleep 300 & echo $!; wait", log, print)
    traffic.send_to([])
    eventually_in_thread(lambda: bool(read(log)), "the child's number", LIMIT_S)
    child = int(log.read_text())
    traffic.end()
    eventually_in_thread(lambda: not is_alive(child), "the child has ended", LIMIT_S)


def ended_again(traffic: CommandTraffic, log: Path, text: str, count: int) -> None:
    """Look until the command has printed `text` that often."""

    def often() -> bool:
        traffic.counters()
        return read(log).count(text) >= count

    eventually_in_thread(often, "the command runs again", LIMIT_S)


def test_what_a_command_left_ends_before_it_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    traffic = CommandTraffic("sleep 300 >/dev/null & echo child $!", log, print)
    traffic.send_to([])
    try:
        ended_again(traffic, log, "child", 2)
        first = int(log.read_text().split()[1])
        assert not is_alive(first)
    finally:
        traffic.end()


def test_a_command_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from driver.trial.command_traffic import CommandTraffic\n"
        "CommandTraffic('sleep 300 & echo $!; wait', Path(sys.argv[1]), print).send_to([])\ntime.sleep(300)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(log)], cwd=project_root())
    try:
        eventually_in_thread(lambda: bool(read(log)), "its child", LIMIT_S)
    finally:
        parent.kill()
        parent.wait()
    child = int(log.read_text())
    eventually_in_thread(lambda: not is_alive(child), "the child has ended", LIMIT_S)


def test_the_log_of_a_command_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_traffic, "MOST_LOG_BYTES", 100)
    log, done = tmp_path / "traffic.log", tmp_path / "done"
    traffic = CommandTraffic(f"seq 100000; touch {done}; sleep 60", log, print)
    traffic.send_to([])
    try:
        eventually_in_thread(done.exists, "all of it was printed", LIMIT_S)
    finally:
        traffic.end()
    assert log.stat().st_size == 100


def test_a_command_that_ends_with_an_error_is_said_once_with_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "traffic.log"
    said: list[str] = []
    traffic = CommandTraffic("echo tried; echo no such host; exit 3", log, said.append)
    traffic.send_to([])
    try:
        ended_again(traffic, log, "tried", 3)
    finally:
        traffic.end()
    assert said == ["The command of --traffic ended with 3, and is started again each time: no such host"]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_variable_s_name_is_one_of_the_shell() -> None:
    assert port_variable("my-api.v2", 80) == "MY_API_V2_80"
