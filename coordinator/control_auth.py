"""Authorization of control API requests: the driver that started this lab, and no page in a browser.

The driver sends the lab's control token. A browser is recognized by its Origin header (RFC 6454),
which every WebSocket and every POST of a page carries, and a rebound name by the Host header.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from wire.control import CONTROL_HOST_NAME, OPEN_PATHS, authorization
from wire.host_header import is_own_host

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN_LEAST = 32


def parse_token(text: str) -> str:
    """Return the control token. Raises ValueError with a sentence that says how to set it."""
    if not (text.isascii() and text.isalnum() and len(text) >= TOKEN_LEAST):
        raise ValueError(
            f"STORMLAB_CONTROL_TOKEN must be {TOKEN_LEAST} or more letters and digits; found {len(text)} "
            "characters. The lab makes one for each run; by hand: openssl rand -hex 32"
        )
    return text


class ControlAuth:
    """Refuses a request before anything of it is read."""

    def __init__(self, token: str) -> None:
        self._expected = authorization(token)["Authorization"].encode()

    def refusal(self, request: web.Request) -> tuple[HTTPStatus, str] | None:
        """Return the status and reason of a refusal; None where the request is authorized."""
        if not is_own_host(request.host, (CONTROL_HOST_NAME,)):
            return HTTPStatus.FORBIDDEN, f"the control API does not answer to the name {request.host[:100]!r}"
        if "Origin" in request.headers:
            return HTTPStatus.FORBIDDEN, "no page of a browser may use the control API"
        if request.method == "GET" and request.path in OPEN_PATHS:
            return None
        sent = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(sent, self._expected):
            return HTTPStatus.UNAUTHORIZED, "expected this lab's control token: Authorization: Bearer TOKEN"
        return None

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer an unauthorized request with its refusal, and pass on any other."""
        refusal = self.refusal(request)
        if refusal is None:
            return await handler(request)
        status, because = refusal
        answer = web.Response(status=status, text=f"{because}\n")
        if status == HTTPStatus.UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
