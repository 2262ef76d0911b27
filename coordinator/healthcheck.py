"""Exit 0 if the coordinator on this machine accepts tasks, else 1. Only the standard library, since it is
started often; it waits at most 2 s.
"""

import os
import socket
import sys


def main() -> int:
    port = int(os.environ.get("CONTROL_PORT") or 8766)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(64)
    except OSError as error:
        print(f"coordinator: no answer on port {port}: {error}", file=sys.stderr)
        return 1
    if b" 200 " not in answer.split(b"\r\n")[0]:
        print(f"coordinator: not ready: {answer[:40]!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
