"""Answers to a page's requests that every system's page gives."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web

from driver.dashboard.forms import FilledForm
from driver.errors import UsageError

TOO_MANY = "too many commands are running; wait for one to finish, or heal"


async def refused(_: web.Request) -> web.Response:
    """Refuse: the page only shows."""
    return answer_error("this dashboard was started with --read-only", HTTPStatus.FORBIDDEN)


def preview_of(filled: FilledForm) -> dict[str, Any]:
    """Return what a form would hit, and its command."""
    return {
        "hits": list(filled.hits),
        "spares": filled.spares,
        "seed": filled.seed,
        "command": filled.command,
    }


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raises UsageError."""
    try:
        body = await request.json()
    except ValueError:
        raise UsageError("expected JSON") from None
    if not isinstance(body, dict):
        raise UsageError("expected a JSON object")
    return body


def answer_error(sentence: str, status: HTTPStatus) -> web.Response:
    """Return an answer with one sentence."""
    return web.json_response({"error": sentence}, status=status)
