"""Sends HTTP requests to a system from outside at a steady rate, and counts which are answered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from driver.errors import UsageError
from driver.systems.replicas import PublishedAddress
from driver.trial.samples import RequestCounters

REQUEST_TIMEOUT_S = 10.0
MOST_IN_FLIGHT = 400
"""A request that is due while this number of others wait for an answer counts as failed."""
_SERVER_ERROR = 500
_STOP_WAIT_S = 5.0


JsonBody = Callable[[int], Any]
"""Returns the body of a request, as JSON has it, from its number."""


class HttpTraffic:
    """Requests of one kind at `rate_per_s`, each when it is due, whatever became of the ones before.

    A request is answered by any status below 500. The URL names a service and its port; the request goes to
    the address where this host publishes that port. `body` returns what each sends as JSON; None
    sends nothing.
    """

    def __init__(self, method: str, url: str, rate_per_s: float, body: JsonBody | None = None) -> None:
        self._method = method.upper()
        self._url = url
        self._period_s = 1 / rate_per_s
        self._answered = 0
        self._failed = 0
        self._body = body
        self._sent = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def send_to(self, published: Sequence[PublishedAddress]) -> None:
        """Begin to send. Raises UsageError where the URL's service and port are not published."""
        target = published_url(self._url, published)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._send(target, self._stop)), name="http-traffic", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """End it; requests without an answer are dropped, and not counted."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_WAIT_S)
            self._thread = None

    def counters(self) -> RequestCounters:
        """Return the totals since the object was made."""
        return RequestCounters(self._answered, self._failed)

    async def _send(self, url: str, stop: threading.Event) -> None:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        # A connection of its own for each request: a stale one is no fault of the system.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session:
            waiting: set[asyncio.Task[None]] = set()
            due_s = time.monotonic()
            while not stop.is_set():
                if len(waiting) >= MOST_IN_FLIGHT:
                    self._failed += 1
                else:
                    task = asyncio.create_task(self._request(session, url))
                    waiting.add(task)
                    task.add_done_callback(waiting.discard)
                due_s += self._period_s
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _request(self, session: aiohttp.ClientSession, url: str) -> None:
        self._sent += 1
        body = None if self._body is None else self._body(self._sent)
        try:
            async with session.request(self._method, url, json=body, allow_redirects=False) as answer:
                await answer.content.read(1 << 16)
                answered = answer.status < _SERVER_ERROR
        except (aiohttp.ClientError, TimeoutError, OSError):
            answered = False
        if answered:
            self._answered += 1
        else:
            self._failed += 1


def published_url(url: str, published: Sequence[PublishedAddress]) -> str:
    """Return a URL with the address of this host at which its service and port are published.

    Raises UsageError.
    """
    parts = urlsplit(url)
    service, port = parts.hostname or "", parts.port or 80
    for one in published:
        if one.service.lower() == service and one.port == port:
            return urlunsplit(parts._replace(netloc=one.address))
    there = ", ".join(f"{one.service}:{one.port}" for one in published)
    raise UsageError(
        f"--http {url}: {service}:{port} is no published port of the system.",
        f"It publishes: {there}." if there else "It publishes none: give --traffic 'COMMAND' instead.",
    )


def check_url(url: str) -> None:
    """Raise UsageError for a URL that is not `http://SERVICE:PORT/…`."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "http" and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(
            f"--http takes a method and a URL of a service; found {url!r}.",
            "Example: --http GET http://api:8000/",
        )
