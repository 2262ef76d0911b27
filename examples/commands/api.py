"""Takes orders and passes each on to the store: POST /orders answers once the store has it."""

from __future__ import annotations

import http.client
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STORE = urlsplit(os.environ["STORE"])


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._pass_on("POST", body)

    def do_GET(self) -> None:
        self._pass_on("GET", None)

    def _pass_on(self, method: str, body: bytes | None) -> None:
        connection = http.client.HTTPConnection(str(STORE.hostname), STORE.port or 80, timeout=2)
        try:
            connection.request(method, "/orders", body)
            answer = connection.getresponse()
            status, found = answer.status, answer.read()
        except OSError as error:
            status, found = 503, str(error).encode()
        finally:
            connection.close()
        self.send_response(status)
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing for each request."""


print("api: listening on port 8000")
ThreadingHTTPServer(("0.0.0.0", 8000), Api).serve_forever()
