"""A tiny server or client of the example: `node.py serve PORT`, `node.py call HOST:PORT …`."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

RECEIVED, NEXT = Path("/tmp/received"), Path("/tmp/next")
EVERY_S = 0.05
TIMEOUT_S = 5.0
_lock = threading.Lock()


class _Answer(socketserver.StreamRequestHandler):
    """Answers each line with this container's name, and counts the bytes of all lines in /tmp/received."""

    def handle(self) -> None:
        for line in self.rfile:
            with _lock:
                before = int(RECEIVED.read_text()) if RECEIVED.exists() else 0
                NEXT.write_text(str(before + len(line)))
                NEXT.replace(RECEIVED)
            self.wfile.write(f"{socket.gethostname()} {self.client_address[0]}\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(port: int) -> None:
    """Serve until the process is killed."""
    with _Server(("", port), _Answer) as server:
        server.serve_forever()


def call(target: str) -> None:
    """Send a line every 50 ms over one connection; connect again when it ends."""
    host, _, port = target.partition(":")
    while True:
        try:
            with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
                lines = connection.makefile("rb")
                while True:
                    connection.sendall(b"hello\n")
                    if not lines.readline():
                        break
                    time.sleep(EVERY_S)
        except OSError:
            pass
        time.sleep(EVERY_S)


def main() -> None:
    role, *rest = sys.argv[1:]
    if role == "serve":
        serve(int(rest[0]))
    for target in rest:
        threading.Thread(target=call, args=(target,)).start()


main()
