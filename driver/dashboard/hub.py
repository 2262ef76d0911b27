"""Hands what is new to every viewer; one that falls behind gets the whole state later, and slows nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from driver.dashboard.picture import Part

WAITING = 8
"""So many messages wait for a viewer: two seconds' worth. One more, and it starts anew."""


class Viewer:
    """One page. Only its own connection waits for it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        self.is_behind = True

    async def next(self) -> bytes | None:
        """The next message; None: take the whole state."""
        return await self._waiting.get()

    def give(self, message: bytes) -> None:
        """A message for it, unless it waits for a whole state anyway."""
        if self.is_behind:
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.start_anew()

    def start_anew(self) -> None:
        """Forget what it did not take; a whole state comes next."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self.is_behind = True
        self._waiting.put_nowait(None)


class Hub:
    """All viewers. `state` makes the whole state when one needs it."""

    def __init__(self, state: Callable[[], Part]) -> None:
        self._state = state
        self._viewers: set[Viewer] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self) -> Viewer:
        """A viewer more; its first message is the whole state."""
        viewer = Viewer()
        viewer.start_anew()
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """One that is gone."""
        self._viewers.discard(viewer)

    def tell(self, delta: Part | None) -> None:
        """What is new, to all who keep up; None: everything is."""
        if delta is None:
            for viewer in self._viewers:
                viewer.start_anew()
            return
        message = as_event("delta", delta)
        for viewer in self._viewers:
            viewer.give(message)

    def whole(self, viewer: Viewer) -> bytes:
        """The state for a viewer that starts anew; deltas follow it."""
        viewer.is_behind = False
        return as_event("state", self._state())


def as_event(name: str, data: Part) -> bytes:
    """A server-sent event (WHATWG HTML, 9.2)."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
