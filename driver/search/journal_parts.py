"""Cuts the journals of a system that stays up into a part for each schedule, sealed like a whole journal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from driver.files import unwritable
from driver.histories.journal_folder import SUFFIX, open_journal, own_journal
from driver.search.journal_carry import JournalCarry
from wire.events import Journal, ProcessStopping
from wire.journal_chain import JournalChain, unsealed

MOST_PART_BYTES = 256 << 20
"""Of one journal in one schedule."""
LEFT = "the schedule is over; the process goes on"


class JournalParts:
    """The journals of these processes in `folder`, each in a folder of its own."""

    def __init__(self, folder: Path, processes: Iterable[str]) -> None:
        self._folder = folder
        self._carried = {name: JournalCarry() for name in processes}
        self._at = dict.fromkeys(self._carried, 0)
        self._preludes: dict[str, list[bytes]] = {}

    def begin(self) -> None:
        """Begin a part: what was written until now is earlier."""
        for name, carried in self._carried.items():
            for line in self._new_lines(name):
                carried.feed(line)
            self._preludes[name] = carried.prelude()

    def write(self, into: Path) -> None:
        """Write the part that was begun as journals in `into`. Raises LabError."""
        for name, carried in self._carried.items():
            lines = self._new_lines(name)
            for line in lines:
                carried.feed(line)
            last: list[bytes] = []
            Journal(name, last.append, time.monotonic_ns, time.time)(ProcessStopping, reason=LEFT)
            path = own_journal(into, name)
            data = JournalChain().seal([*self._preludes.get(name, ()), *map(unsealed, lines), *last])
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError as error:
                raise unwritable(path, error) from None

    def _new_lines(self, name: str) -> list[bytes]:
        """Return the whole lines that a process wrote since the last call; none where it cannot be read."""
        path = self._folder / name / f"{name}{SUFFIX}"
        try:
            with open_journal(path) as descriptor:
                data = os.pread(descriptor, MOST_PART_BYTES, self._at[name])
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at[name] += len(whole)
        return whole.splitlines(keepends=True)
