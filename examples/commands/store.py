"""Keeps orders in memory: POST /orders adds one, GET /orders lists them."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

orders: list[dict[str, str]] = []


class Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        orders.append({"key": str(json.loads(body)["key"])})
        self._answer(201, {"orders": len(orders)})

    def do_GET(self) -> None:
        self._answer(200, orders)

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing for each request."""


print("store: listening on port 6000")
ThreadingHTTPServer(("0.0.0.0", 6000), Store).serve_forever()
