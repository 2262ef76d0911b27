"""Claims about the answers of a Redis server, given by a socket of the test's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

import pytest

from driver.observations.catalogue import read_observation
from driver.observations.reading import ReadingError, Value
from driver.observations.redis import MOST_BYTES
from tests.driver.observations.fake_access import FakeAccess, context

LIMIT_S = 30.0
KNOWN = b"*1\r\n*3\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n"
"""The answer to COMMAND INFO: a command that reads alone."""
PIECE = b"x" * (1 << 16)


class Server:
    """Answers COMMAND INFO as Redis does, and any other command of the observation with `pieces`."""

    def __init__(self, listener: socket.socket, pieces: list[bytes], endless: bytes) -> None:
        self.sent = 0
        self._listener, self._pieces, self._endless = listener, pieces, endless

    def serve(self) -> None:
        """Serve two connections, one after the other, as the observation opens them."""
        for _ in range(2):
            end, _ = self._listener.accept()
            with end:
                self._answer(end)

    def _answer(self, end: socket.socket) -> None:
        while command := end.recv(1 << 16):
            if b"GET" not in command:
                end.sendall(b"+OK\r\n" * command.count(b"*"))
            elif b"INFO" in command:
                end.sendall(KNOWN)
            else:
                self._send(end)

    def _send(self, end: socket.socket) -> None:
        try:
            for piece in self._pieces:
                end.sendall(piece)
            for piece in repeat(self._endless) if self._endless else ():
                end.sendall(piece)
                self.sent += len(piece)
        except OSError:
            return


@contextmanager
def server(*pieces: bytes, endless: bytes = b"") -> Iterator[tuple[Server, FakeAccess]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        one = Server(listener, list(pieces), endless)
        thread = threading.Thread(target=one.serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        yield one, FakeAccess({("redis", 6379): f"127.0.0.1:{port}"})
        thread.join(LIMIT_S)


def read(access: FakeAccess, timeout: str = "30s") -> Value:
    entry = {"redis": "redis://redis:6379/0", "command": ["GET", "a"], "timeout": timeout}
    return read_observation(entry).reader(context(access))()


def test_an_answer_is_read() -> None:
    with server(b"$2\r\n17\r\n") as (_, access):
        assert read(access) == 17.0


@pytest.mark.parametrize(
    "begin", [b"$1099511627776\r\n", b"*2\r\n$1099511627776\r\n", b"+"], ids=["bulk", "array", "line"]
)
def test_an_answer_without_an_end_is_read_no_further_than_the_bound(begin: bytes) -> None:
    refused = pytest.raises(ReadingError, match=f"more than {MOST_BYTES:,} bytes")
    with server(begin, endless=PIECE) as (one, access), refused:
        read(access)
    # What the kernel holds on both sides was sent and never read.
    assert one.sent < 4 * MOST_BYTES


def test_an_array_that_claims_more_than_comes_is_unknown() -> None:
    with server(b"*1000000000\r\n:1\r\n") as (_, access), pytest.raises(ReadingError, match="Timeout"):
        read(access, "300ms")
