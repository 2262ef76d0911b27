"""Reads journals while they grow, each line once: whole, or from a bounded distance before their end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driver.histories.clock_alignment import aligned
from driver.histories.clocks import clocks_of
from driver.histories.history import DRIVER, History, JournalRead
from driver.histories.journal_folder import MAX_JOURNAL_BYTES, find_journals, open_journal
from driver.histories.journal_kinds import PROBER, is_door, reader_of
from driver.histories.journals import client_order
from wire.events import Event

BACK_BYTES = 256 << 10
PROBER_BACK_BYTES = 8 << 20
DRIVER_BACK_BYTES = 64 << 20
"""Bytes read before a journal's end: seconds of a busy client or of the prober of a fleet; an hour of the
driver, since a fault that is on may have begun that long ago.
"""
_BACK = {PROBER: PROBER_BACK_BYTES, DRIVER: DRIVER_BACK_BYTES}
DOOR_BACK_BYTES = 8 << 20
"""A door's connections may last long, and each one that is open has a line a second at most."""
_NAMES = b'"link_named"'
"""In each line of a door without which others say nothing: it is read wherever it is."""
_BLOCK_BYTES = 1 << 20


@dataclass
class _File:
    offset: int
    torn: bytes = b""
    begins_inside: bool = False
    events: list[Event] = field(default_factory=list)


class LiveJournals:
    """The journals of some folders, or the one of process `only`. `whole`: from their begin.

    Lines that do not decode are skipped: only a run's journals must be whole.
    """

    def __init__(self, folders: Sequence[Path], only: str = "", *, whole: bool = False) -> None:
        self._folders = folders
        self._whole = whole
        self._only = only
        self._files: dict[Path, _File] = {}

    def read(self) -> History:
        """Return the history of all lines up to now."""
        for folder in self._folders:
            for name, path in find_journals(folder).journals.items():
                if self._only in ("", name):
                    self._read(name, path)
        events: dict[str, list[Event]] = {}
        for path, file in self._files.items():
            events.setdefault(path.stem, []).extend(file.events)
        journals = {name: JournalRead.of(name, lines) for name, lines in events.items()}
        clients = sorted((name for name in journals if name.startswith("worker-")), key=client_order)
        clocks = clocks_of(events.get(DRIVER, ()))
        return History(aligned(journals, clocks), clients=clients, clocks=clocks)

    def _read(self, name: str, path: Path) -> None:
        try:
            with open_journal(path) as descriptor:
                size = os.fstat(descriptor).st_size
                file = self._files.get(path)
                if file is None:
                    back = size if self._whole else _back_bytes(name)
                    file = self._files[path] = _File(max(0, size - back), begins_inside=size > back)
                    if is_door(name) and file.begins_inside:
                        names = _lines_with(_NAMES, descriptor, file.offset)
                        file.events += reader_of(name).read(name, names).events
                data = os.pread(descriptor, min(max(0, size - file.offset), MAX_JOURNAL_BYTES), file.offset)
        except OSError:
            # The folder is being created or removed.
            return
        file.offset += len(data)
        whole, newline, torn = (file.torn + data).rpartition(b"\n")
        file.torn = torn
        if file.begins_inside and newline:
            whole, file.begins_inside = whole.partition(b"\n")[2], False
        file.events += reader_of(name).read(name, whole + newline).events


def _back_bytes(name: str) -> int:
    return _BACK.get(name, DOOR_BACK_BYTES if is_door(name) else BACK_BYTES)


def _lines_with(word: bytes, descriptor: int, until: int) -> bytes:
    """Return the whole lines of a file that have a word and begin no later than at a place: where the rest is
    read from there, its first line is taken for a part of one.
    """
    found, at = [], 0
    while at <= until and (block := os.pread(descriptor, _BLOCK_BYTES, at)):
        # A line longer than a block is none of ours.
        end = block.rfind(b"\n") + 1 or len(block)
        begin = 0
        while (place := block.find(word, begin, end)) >= 0:
            first, begin = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place, end) + 1
            if not begin or at + first > until:
                break
            found.append(block[first:begin])
        at += end
    return b"".join(found)
