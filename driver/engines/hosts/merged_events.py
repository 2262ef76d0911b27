"""Events of several hosts, as one stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence

from driver.engines.engine import EngineEvent, EventStream
from driver.errors import EngineGoneError

MOST_WAITING = 10_000


class MergedEvents:
    """Implements `EventStream` over the streams of several hosts; `but` is a container that is left out."""

    def __init__(self, streams: Sequence[EventStream], but: str) -> None:
        self._streams = streams
        self._but = but
        self._found: queue.Queue[EngineEvent | EngineGoneError | None] = queue.Queue(MOST_WAITING)

    def __iter__(self) -> Iterator[EngineEvent]:
        """Yield each event as it arrives. Raises EngineGoneError when a host ends its stream."""
        for stream in self._streams:
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()
        open_streams = len(self._streams)
        while open_streams:
            found = self._found.get()
            if isinstance(found, EngineGoneError):
                raise found
            if found is None:
                open_streams -= 1
            elif found.container != self._but:
                yield found

    def close(self) -> None:
        """End the iteration, also from another thread."""
        for stream in self._streams:
            stream.close()

    def _read(self, stream: EventStream) -> None:
        try:
            for event in stream:
                self._found.put(event)
        except EngineGoneError as error:
            self._found.put(error)
        else:
            self._found.put(None)
