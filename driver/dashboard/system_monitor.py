"""Looks at a foreign system, again and again: its doors' counters, its containers, its journals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from driver.dashboard.system_model import SystemLook, SystemModel
from driver.dashboard.tail import JournalTail
from driver.errors import LabError, LinksError, NoLabError
from driver.histories.journal_kinds import reader_of
from driver.histories.live_links import KEPT_NS
from driver.systems.running_system import RunningSystem
from wire.events import Event

BACK_BYTES = 8 << 20
"""Of a door's journal that is longer, its last bytes are read: minutes of a busy system."""
READS = 20
"""Pieces of journals that one look reads at most; what is left comes with the next one."""
LOOK_EVERY_S = 1.0


class SystemMonitor:
    """One system, as `running` returns it while it is up; the model of a system that is gone stays.

    `kept_ns` is how long connections are kept after their end.
    """

    def __init__(self, project: str, running: Callable[[], RunningSystem], kept_ns: int = KEPT_NS) -> None:
        self._kept_ns = kept_ns
        self.project = project
        self._find = running
        self._running: RunningSystem | None = None
        self._tail: JournalTail | None = None
        self._is_up = False
        self.error: LabError | None = None
        """Why the last look failed."""
        self._hint = ""
        self.model: SystemModel | None = None
        self.systems_seen = 0
        """How many systems so far: a new one of the same name begins with an empty model."""

    @property
    def running(self) -> RunningSystem | None:
        """The system; None while it is not up."""
        return self._running if self._is_up else None

    @property
    def hint(self) -> str:
        """Why the system cannot be looked at; "" while it can."""
        return self._hint

    @property
    def state(self) -> str:
        """Return `up`, `gone` (it was up), or `none`."""
        return "up" if self._is_up else "gone" if self.model else "none"

    async def refresh(self) -> None:
        """Look once. An error becomes the hint; the model stays."""
        try:
            looked = await asyncio.to_thread(self._look)
        except LabError as error:
            self.error, self._is_up, self._hint = error, False, f"{error.sentence} {error.hint}".strip()
            if isinstance(error, NoLabError):
                self._running = None
            return
        self.error, self._is_up, self._hint = None, True, looked.trouble
        if self.model is None or looked.model is not self.model:
            self.model = looked.model
            self.systems_seen += 1
        for process, events in looked.events:
            self.model.add(process, events)
        self.model.look(looked.look)

    def _look(self) -> _Looked:
        running, model = self._found()
        assert self._tail is not None
        events = _read(self._tail)
        states, trouble = None, ""
        try:
            states = running.links.states()
        except LinksError as error:
            trouble = error.sentence
        replicas = running.engine.replicas()
        usage = []
        with suppress(LabError):
            usage = running.engine.usage()
        look = SystemLook(time.monotonic_ns(), time.time(), states, replicas, usage)
        return _Looked(model, events, look, trouble)

    def _found(self) -> tuple[RunningSystem, SystemModel]:
        """Return the system, and its model: a new one where another system has its place."""
        running = self._find()
        before = self._running
        if before is not None and self.model is not None and before.file == running.file:
            # Its clients of the doors are kept.
            return before, self.model
        model = SystemModel(_names(running), self._kept_ns)
        self._running, self._tail = running, JournalTail(running.journals, BACK_BYTES)
        return running, model


@dataclass(frozen=True)
class _Looked:
    model: SystemModel
    events: Sequence[tuple[str, Sequence[Event]]]
    look: SystemLook
    trouble: str


def _names(running: RunningSystem) -> dict[str, dict[str, str]]:
    processes = {door.name: door.process for door in running.file.doors}
    found: dict[str, dict[str, str]] = {}
    for name, (door, peer) in running.links.ends().items():
        found.setdefault(processes.get(door, door), {})[peer.link] = name
    return found


def _read(tail: JournalTail) -> list[tuple[str, Sequence[Event]]]:
    """Return what is new in each journal. Lines that do not decode are left to the judge."""
    found: list[tuple[str, Sequence[Event]]] = []
    for _ in range(READS):
        has_more = False
        for process, lines, more in tail.read():
            reader = reader_of(process)
            decoded = (reader.event(process, line) for line in lines)
            found.append((process, [event for event in decoded if event is not None]))
            has_more |= more
        if not has_more:
            break
    return found
