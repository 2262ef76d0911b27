"""Parts of a lab's supervisor: events, published ports, folders of its root."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from driver.engines.process import relay as relay_module
from driver.engines.process.event_log import ProcessEventLog
from driver.engines.process.fork_server import _serve, order_init
from driver.engines.process.lab_root import outermost
from driver.engines.process.process_init import reset_signals
from driver.engines.process.process_tree import descendants
from driver.engines.process.relay import listen, relay


def test_a_reader_gets_the_events_after_its_position() -> None:
    log = ProcessEventLog()
    log.add("worker-1", "start")
    position = log.position(None)
    log.add("worker-1", "die", "137")
    _, found = log.wait(position, 1.0)
    assert [(one.action, one.detail) for one in found] == [("die", "137")]


def test_a_reader_can_ask_for_earlier_events() -> None:
    log = ProcessEventLog()
    log.add("worker-1", "start")
    since_ns = time.monotonic_ns()
    log.add("worker-1", "pause")
    log.add("worker-1", "unpause")
    _, found = log.wait(log.position(since_ns), 1.0)
    assert [one.action for one in found] == ["pause", "unpause"]


def test_without_events_a_reader_waits_no_longer_than_asked() -> None:
    log = ProcessEventLog()
    assert log.wait(log.position(None), 0.01) == (0, [])


def test_a_folder_below_another_one_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    paths = [str(tmp_path / "a/b"), str(tmp_path / "a"), "/usr/lib", str(tmp_path / "missing")]
    assert outermost(paths) == [str(tmp_path / "a")]


def test_all_descendants_are_found_parents_first(tmp_path: Path) -> None:
    for pid, children in ((1, "2 3"), (2, "4"), (3, ""), (4, "")):
        folder = tmp_path / str(pid) / "task" / str(pid)
        folder.mkdir(parents=True)
        (folder / "children").write_text(children)
    assert descendants(1, tmp_path) == [2, 3, 4]


def test_a_published_port_passes_bytes_and_ends_on() -> None:
    inside = listen("127.0.0.1", 0)
    published = listen("127.0.0.1", 0)
    relay(published, "127.0.0.1", inside.getsockname()[1])
    with socket.create_connection(published.getsockname(), timeout=10) as client:
        server, _ = inside.accept()
        with server:
            client.sendall(b"ask")
            client.shutdown(socket.SHUT_WR)
            assert server.recv(10) == b"ask"
            assert server.recv(10) == b""
            server.sendall(b"answer")
        assert client.recv(10) == b"answer"
        assert client.recv(10) == b""
    inside.close()


def test_a_published_port_whose_process_is_gone_closes_the_connection() -> None:
    gone = listen("127.0.0.1", 0)
    port = gone.getsockname()[1]
    gone.close()
    published = listen("127.0.0.1", 0)
    relay(published, "127.0.0.1", port)
    with socket.create_connection(published.getsockname(), timeout=10) as client:
        assert client.recv(10) == b""


def test_many_readers_of_events_are_woken_by_one() -> None:
    log = ProcessEventLog()
    found: list[str] = []
    readers = [
        threading.Thread(target=lambda: found.extend(one.action for one in log.wait(0, 10.0)[1]))
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    log.add("worker-1", "start")
    for reader in readers:
        reader.join()
    assert found == ["start"] * 3


@pytest.mark.parametrize(("runs_python", "handler"), [(True, signal.SIG_IGN), (False, signal.SIG_DFL)])
def test_python_ignores_a_broken_pipe_and_other_programs_have_the_default(
    runs_python: bool, handler: signal.Handlers
) -> None:
    pid = os.fork()
    if pid == 0:
        reset_signals(runs_python)
        os._exit(0 if signal.getsignal(signal.SIGPIPE) is handler else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_client_that_is_gone_leaves_its_place_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "MOST", 1)
    inside, published = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    inside.settimeout(10)

    def refused(*_: object, **__: object) -> socket.socket:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(socket, "create_connection", refused)
    with socket.socket() as client:
        relay(published, "127.0.0.1", inside.getsockname()[1])
        client.settimeout(10)
        client.connect(published.getsockname())
        assert client.recv(10) == b""
    monkeypatch.undo()
    with socket.create_connection(published.getsockname(), timeout=10) as client:
        server, _ = inside.accept()
        server.sendall(b"answer")
        assert client.recv(10) == b"answer"
        server.close()
    inside.close()


def test_a_process_that_the_kernel_refuses_closes_its_connection_and_ends_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise BlockingIOError("no process")

    orders, ordered = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control, its_end = socket.socketpair()
    order_init(orders, its_end, 0, None)
    its_end.close()
    orders.shutdown(socket.SHUT_WR)
    pid = os.fork()
    if pid == 0:
        # Signals and the collector are those of this child alone.
        monkeypatch.setattr(os, "fork", refuse)
        code = 1
        try:
            code = _serve(ordered, [], isolated=False)
        finally:
            os._exit(code)
    ordered.close()
    assert os.waitpid(pid, 0)[1] == 0
    assert control.recv(10) == b""
