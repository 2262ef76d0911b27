"""A client that connects once, and only logs when its connection is lost: `once.py HOST PORT`."""

from __future__ import annotations

import socket
import sys
import time

TIMEOUT_S = 5.0
TRIES = 100
AGAIN_S = 0.2
EVERY_S = 0.05


def connected(host: str, port: int) -> socket.socket:
    """Return the only connection; the server may start later than this process."""
    for _ in range(TRIES):
        try:
            return socket.create_connection((host, port), TIMEOUT_S)
        except OSError:
            time.sleep(AGAIN_S)
    sys.exit("no server")


def main() -> None:
    connection = connected(sys.argv[1], int(sys.argv[2]))
    lines = connection.makefile("rb")
    while True:
        try:
            connection.sendall(b"hello\n")
            if not lines.readline():
                raise OSError("end of stream")
            time.sleep(EVERY_S)
        except OSError as error:
            print(f"ERROR lost the connection to the store: {error}")
            time.sleep(AGAIN_S)


main()
