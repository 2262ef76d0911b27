"""What of a journal's earlier lines a part of it needs: names of links, and connections that are open. Pure.

A process that lives through several schedules writes one journal. The part of one schedule begins with these
lines, so that its reader finds each open connection with its begin.
"""

from __future__ import annotations

import msgspec

from wire.errors import DECODE_ERRORS
from wire.journal_chain import unsealed

MOST_KEPT = 20_000
"""Lines that are kept of one journal; older ones are left out first."""


class _Line(msgspec.Struct):
    event: str
    link: str = ""
    connection: int = 0


_DECODER = msgspec.json.Decoder(_Line)
_OF_CONNECTION = ("connection_opened", "connection_answered", "connection_seen")


class JournalCarry:
    """The earlier lines of one journal that a later part of it needs."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], bytes] = {}

    def feed(self, line: bytes) -> None:
        """Take the next line, with its newline."""
        try:
            found = _DECODER.decode(line)
        except DECODE_ERRORS:
            return
        if found.event == "process_started":
            # A new life numbers its connections from 1, and its streams are new.
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] == "link_named"}
        elif found.event == "connection_ended":
            for kind in _OF_CONNECTION:
                self._kept.pop((kind, "", found.connection), None)
            return
        key = self._key(found)
        if key is not None:
            # Moved to the end: what is left stays in the order of the file.
            self._kept.pop(key, None)
            self._kept[key] = unsealed(line)
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]

    def prelude(self) -> list[bytes]:
        """Return the lines with which the next part begins."""
        return list(self._kept.values())

    @staticmethod
    def _key(found: _Line) -> tuple[str, str, int] | None:
        if found.event in _OF_CONNECTION:
            return found.event, "", found.connection
        if found.event in ("stream_opened", "stream_ended"):
            # The newest of both kinds says whether the prober's connection of a link is open.
            return found.event, found.link, 0
        if found.event in ("link_named", "process_started"):
            return found.event, found.link, 0
        return None
