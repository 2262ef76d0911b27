"""Published ports of a lab: each connection is passed on to an address inside of it, by threads."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

MOST = 512
"""Connections at once; further ones wait in the backlog."""
DIAL_S = 5.0
BACKLOG = 256
PIECE_BYTES = 1 << 16


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a published port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def relay(listener: socket.socket, address: str, port: int) -> None:
    """Pass on all connections of a listener, in the background, while this process lives."""
    threading.Thread(target=_accept, args=(listener, (address, port)), name="relay", daemon=True).start()


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    room = threading.Semaphore(MOST)
    while True:
        room.acquire()
        try:
            client, _ = listener.accept()
        except OSError:
            room.release()
            continue
        threading.Thread(target=_serve, args=(client, target, room), name="relay", daemon=True).start()


def _serve(client: socket.socket, target: tuple[str, int], room: threading.Semaphore) -> None:
    # Whatever ends a connection makes room for the next: a client that is gone is no reason to keep it.
    try:
        with client, suppress(OSError), socket.create_connection(target, timeout=DIAL_S) as server:
            server.settimeout(None)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_copy, args=(server, client), name="relay", daemon=True)
            back.start()
            _copy(client, server)
            back.join()
    finally:
        room.release()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy to the end of a stream, and pass the end on; an error ends both directions."""
    try:
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
