"""Raw bytes through a link: a pattern that is compared at the far end, and small messages that come back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

HOST = "127.0.0.1"
CHUNK = 1 << 16
BLOCK = np.random.default_rng(1).integers(1, 256, CHUNK, dtype=np.uint8)
_TOTAL = struct.Struct(">Q")


@dataclass
class Received:
    """What arrived at a sink: bytes, those that differ from what was sent, and a hash of their positions."""

    received: int = 0
    damaged: int = 0
    places: str = ""


def compare(connection: socket.socket, total: int) -> Received:
    """Read `total` bytes that should repeat BLOCK, and compare every one of them."""
    found, digest = Received(), hashlib.sha256()
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    while found.received < total:
        got = connection.recv_into(view, min(CHUNK, total - found.received))
        if not got:
            break
        begin = found.received % CHUNK
        wanted = BLOCK[begin : begin + got]
        if len(wanted) < got:
            wanted = np.concatenate([wanted, BLOCK[: got - len(wanted)]])
        places = np.flatnonzero(np.frombuffer(view[:got], dtype=np.uint8) != wanted)
        if len(places):
            found.damaged += len(places)
            digest.update((places + found.received).tobytes())
        found.received += got
    found.places = digest.hexdigest()
    return found


class Upload:
    """A connection that is open, and whose length is known, before the first byte of the pattern is sent."""

    def __init__(self, port: int, total: int) -> None:
        self._connection = socket.create_connection((HOST, port))
        self._total = total
        self._connection.sendall(_TOTAL.pack(total))
        self._connection.recv(1, socket.MSG_WAITALL)

    def run(self) -> Received:
        """Send all of it, and return what the other end reports of it."""
        data, left = BLOCK.tobytes(), self._total
        with self._connection as connection:
            while left > 0:
                connection.sendall(data[: min(left, CHUNK)])
                left -= CHUNK
            answer = connection.makefile("rb").readline().decode().split()
        return Received(int(answer[0]), int(answer[1]), answer[2])


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """What counts and compares what it is sent, in a process of its own; gives its port."""
    with child(_serve_sink) as port:
        yield port


def _serve_sink(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_sink_one, args=(connection,), daemon=True).start()


def _sink_one(connection: socket.socket) -> None:
    with connection:
        head = connection.recv(_TOTAL.size, socket.MSG_WAITALL)
        if len(head) == _TOTAL.size:
            connection.sendall(b".")
            found = compare(connection, _TOTAL.unpack(head)[0])
            connection.sendall(f"{found.received} {found.damaged} {found.places}\n".encode())


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """What sends small messages back, in a process of its own; gives its port."""
    with child(_serve_echo) as port:
        yield port


def _serve_echo(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_echo_one, args=(connection,), daemon=True).start()


def _echo_one(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


@contextlib.contextmanager
def child(work: Callable[[socket.socket], None]) -> Iterator[int]:
    """Fork, and let the child serve on a port until the end; gives the port."""
    listening = socket.create_server((HOST, 0), backlog=512)
    pid = os.fork()
    if pid == 0:
        try:
            work(listening)
        finally:
            os._exit(0)
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield port
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
