"""N real workers in one process: the core, the shell and the sockets that ship, each with a journal line for
all that it does.

What they share, and a process of its own would have for itself: the event loop, the file of their journal
lines and, being one process, a core. They have no health file: that is for a container's check, and here
is none.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

from benchmarks.storm.tally import Tally
from wire import events
from wire.address import coordinator_url, worker_name
from wire.events import Event, Journal
from wire.messages import Frame
from wire.settings import WorkerSettings
from worker.checkpoints import CheckpointStore
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.effects import Effect
from worker.journal_file import WorkerJournalFile
from worker.runtime import RuntimeDependencies, WorkerRuntime


class TalliedCore(WorkerCore):
    """The core that ships; it also records when its first message on a connection was answered."""

    def record_in(self, tally: Tally, name: str) -> None:
        """Record in `tally` from now on."""
        self._recorded_as, self._tally, self._answered = name, tally, 0

    def on_frame(self, now_ns: int, connection: int, frame: Frame) -> list[Effect]:
        """A frame came in."""
        effects = super().on_frame(now_ns, connection, frame)
        if connection == self.connection and connection != self._answered:
            self._answered = connection
            self._tally.back(self._recorded_as)
        return effects


class TalliedJournal(Journal):
    """The journal that ships; it also records losses and failed attempts."""

    tally: Tally

    def append(self, event: Event) -> None:
        """Append one event."""
        super().append(event)
        if isinstance(event, events.ConnectFailed):
            self.tally.failed()
        elif isinstance(event, events.ConnectionLost):
            self.tally.lost(self.by)


class Workers:
    """Workers that dial `port`, with files in `folder`."""

    def __init__(self, settings: WorkerSettings, port: int, key: bytes, folder: Path, tally: Tally) -> None:
        self._settings = settings
        self._url = coordinator_url("127.0.0.1", port)
        self._key = key
        self._folder = folder
        self._tally = tally
        self._file = WorkerJournalFile(folder / "workers.jsonl")

    async def run(self, first: int, count: int, starts_per_s: float) -> None:
        """Start `count` at that pace, numbered from `first`, and go on for ever. Raises what breaks one."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as running:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / starts_per_s - time.monotonic()))
                running.create_task(self._worker(first + number).run())

    def _worker(self, number: int) -> WorkerRuntime:
        name = worker_name(number)
        record = TalliedJournal(name, self._file.write, time.monotonic_ns, time.time)
        record.tally = self._tally
        store = CheckpointStore(self._folder / "checkpoints")
        ports = Dependencies(record, random.Random(), lambda: os.urandom(16), time.time, store.read)
        core = TalliedCore(name, os.urandom(8).hex(), self._settings, ports)
        core.record_in(self._tally, name)
        dependencies = RuntimeDependencies(
            self._url, self._key, self._settings.compress, self._settings.slots, store, record,
            self._file.flush,
        )  # fmt: skip
        return WorkerRuntime(core, dependencies)
