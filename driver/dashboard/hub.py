"""Publishes deltas to all subscribers; one that falls behind gets the whole state later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from driver.dashboard.json_state import JsonObject

QUEUE_LENGTH = 8
"""Messages that may wait for a subscriber: two seconds' worth. One more, and it is reset."""


class Subscriber:
    """One open page. Only its own connection waits for it."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LENGTH)
        self.is_behind = True

    async def next(self) -> bytes | None:
        """Return the next message; None: the whole state is due."""
        return await self._queue.get()

    def offer(self, message: bytes) -> None:
        """Queue a message, unless a whole state is due anyway; a full queue is reset."""
        if self.is_behind:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.reset()

    def reset(self) -> None:
        """Drop the queued messages; the whole state is due."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self.is_behind = True
        self._queue.put_nowait(None)


class Hub:
    """All subscribers. `state` makes the whole state when one needs it."""

    def __init__(self, state: Callable[[], JsonObject]) -> None:
        self._state = state
        self._subscribers: set[Subscriber] = set()

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(self) -> Subscriber:
        """Add a subscriber; its first message is the whole state."""
        subscriber = Subscriber()
        subscriber.reset()
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove a subscriber."""
        self._subscribers.discard(subscriber)

    def publish(self, delta: JsonObject | None) -> None:
        """Offer a delta to all subscribers; None: each needs the whole state."""
        if delta is None:
            for subscriber in self._subscribers:
                subscriber.reset()
            return
        message = as_event("delta", delta)
        for subscriber in self._subscribers:
            subscriber.offer(message)

    def whole_state(self, subscriber: Subscriber) -> bytes:
        """Return the message of the whole state; deltas follow it."""
        subscriber.is_behind = False
        return as_event("state", self._state())


def as_event(name: str, data: JsonObject) -> bytes:
    """Return a server-sent event (WHATWG HTML, 9.2)."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
