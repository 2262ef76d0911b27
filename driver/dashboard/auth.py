"""Admits requests from the browser that was given the address, on this machine, from the dashboard's page.

The token in the printed address becomes a cookie, which no other site's page can make the browser send
(SameSite=Strict). The Host header reveals a page elsewhere that points a name of its own at this machine (DNS
rebinding), and the Origin header one that sends a request here (RFC 6454).
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from wire.host_header import is_own_host

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class RequestAuth:
    """The rules of one server on the address `host`; `set_port` completes them."""

    def __init__(self, token: str, host: str) -> None:
        self._token = token
        self._is_local = host in ("127.0.0.1", "localhost", "::1")
        # Other machines reach a server that is open to them by its address, or by this machine's names.
        self._names = {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        self._cookie = "stormlab"
        self._hosts: set[str] = set()

    def set_port(self, port: int) -> None:
        """Set the server's port. Cookies ignore ports, so each server's has a name of its own."""
        self._cookie = f"stormlab-{port}"
        self._hosts = {f"{name}:{port}" for name in _LOOPBACK}

    def refusal(self, request: web.Request) -> str:
        """Return why a request is refused; "" where it is admitted."""
        is_own = request.host in self._hosts if self._is_local else is_own_host(request.host, self._names)
        if not is_own:
            return f"this dashboard does not answer to the name {request.host!r}"
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            return "only the dashboard's own page may ask this"
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return "the token is missing or wrong: open the address that `lab.py dashboard` printed"
        return ""

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse or admit a request; the first one trades its token for a cookie."""
        if because := self.refusal(request):
            return self._with_headers(web.json_response({"error": because}, status=HTTPStatus.FORBIDDEN))
        if "token" in request.query and request.method == "GET":
            # The browser's history, and a screenshot, get the address without the token.
            there = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": request.path})
            there.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", path="/")
            return self._with_headers(there)
        return self._with_headers(await handler(request))

    @staticmethod
    def _with_headers(response: web.StreamResponse) -> web.StreamResponse:
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response
