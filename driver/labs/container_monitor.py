"""Records the state of every container during a run, from the engine's events and from samples."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from driver.engines.engine import ContainerReader, ContainerState, EngineEvent
from driver.errors import EngineError
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import ContainerChange, ContainerExited, ContainersRead, EngineAction
from driver.labs.engine_events import MAX_WAITING, follow_events

READ_EVERY_S = 0.5
GATHER_S = 0.02
"""One change causes two or three events: a sample is delayed by this much, and covers them all."""
CLOSELY = 8
"""Containers that are inspected in each sample, in rotation, beside those under a fault or with an event."""
EVENT_WITHIN_S = 0.3
KEPT_ACTIONS = 100
LOG_LINES = 5
LOG_LINE_CHARS = 200

_log = logging.getLogger("stormlab.containers")
MayEnd = Callable[[str], bool]
"""Returns whether an active fault on a container can end its process."""


class ContainerMonitor:
    """Monitors the containers of one lab, and writes what changes into the driver's journal.

    `run` monitors in the background of a run; `read` takes one sample, also without it.
    """

    def __init__(
        self, engine: ContainerReader, journal: DriverJournal, may_end: MayEnd = lambda _: False
    ) -> None:
        self._engine = engine
        self._journal = journal
        self.may_end = may_end
        self._last: dict[str, ContainerState] = {}
        self._watched: dict[str, int] = {}
        self._touched: set[str] = set()
        self._turn = 0
        self._actions: dict[str, deque[EngineEvent]] = {}
        self._arrived = asyncio.Event()
        self._streaming = False
        self._reading = asyncio.Lock()
        self._answers = 0

    async def run(self) -> None:
        """Record until cancelled. An engine that does not answer is skipped: the sampler raises its error.

        Raises a group with the LabError of a journal that cannot be written.
        """
        async with asyncio.TaskGroup() as group:
            exits: asyncio.Queue[EngineEvent] = asyncio.Queue(MAX_WAITING)
            group.create_task(self._record_exits(exits))
            group.create_task(self._follow(exits))
            group.create_task(self._read_while_waiting())
            while True:
                touched, self._touched = self._touched, set()
                await self.read(touched)
                with suppress(TimeoutError):
                    # Not wait_for: it drops a cancellation that comes with an event.
                    async with asyncio.timeout(READ_EVERY_S):
                        await self._arrived.wait()
                    await asyncio.sleep(GATHER_S)

    async def read(self, closely: Collection[str] = ()) -> None:
        """Take one sample of all containers; inspect those of `closely`, those under a fault and some more.

        An engine that does not answer is skipped. Raises LabError when the journal cannot be written.
        """
        async with self._reading:
            wanted = {*closely, *self._watched, *self._rotation()}
            asked_ns = time.monotonic_ns()
            try:
                states = await asyncio.to_thread(self._engine.states, wanted)
            except EngineError as error:
                _log.debug("no states: %s", error)
                return
            at_ns = time.monotonic_ns()
            self._answers += 1
            for name, state in states.items():
                self._note(name, state, asked_ns, at_ns)
            self._journal.write_at(at_ns, ContainersRead, asked_ns=asked_ns, closely=sorted(wanted))

    async def _read_while_waiting(self) -> None:
        """Record pauses during a slow answer of the engine: they may be over before it arrives."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            if not self._reading.locked():
                continue
            answers, asked_ns = self._answers, time.monotonic_ns()
            frozen = await asyncio.to_thread(self._engine.frozen)
            if answers != self._answers:
                # The engine's answer arrived meanwhile, and is newer.
                continue
            at_ns = time.monotonic_ns()
            for name, is_frozen in frozen.items():
                last = self._last.get(name)
                if last is not None and last.status in ("running", "paused"):
                    status = "paused" if is_frozen else "running"
                    self._note(name, dataclasses.replace(last, status=status), asked_ns, at_ns)

    def watch_closely(self, names: Collection[str]) -> None:
        """Inspect these containers in every sample, until `release` is called as often as this."""
        for name in names:
            self._watched[name] = self._watched.get(name, 0) + 1

    def release(self, names: Collection[str]) -> None:
        """Undo one `watch_closely`."""
        for name in names:
            self._watched[name] -= 1
            if not self._watched[name]:
                del self._watched[name]

    async def first_action_ns(
        self, name: str, called_ns: int, within_s: float = EVENT_WITHIN_S
    ) -> int | None:
        """Return the time of the engine's first event of a container since `called_ns`; None without one.

        Waits `within_s` at most. The engine's call returns later, after everything that follows the
        change.
        """
        deadline = time.monotonic() + within_s
        while self._streaming:
            for event in self._actions.get(name, ()):
                if event.at_ns >= called_ns:
                    return event.at_ns
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._arrived.wait()
            except TimeoutError:
                break
        return None

    # -- samples -------------------------------------------------------------------------------------------

    def _rotation(self) -> Sequence[str]:
        names = sorted(self._last)
        if len(names) <= CLOSELY:
            return names
        self._turn = (self._turn + CLOSELY) % len(names)
        return (names + names)[self._turn : self._turn + CLOSELY]

    def _note(self, name: str, state: ContainerState, asked_ns: int, at_ns: int) -> None:
        if state == self._last.get(name):
            return
        self._last[name] = state
        fields = dataclasses.asdict(state)
        self._journal.write_at(at_ns, ContainerChange, container=name, asked_ns=asked_ns, **fields)

    # -- events --------------------------------------------------------------------------------------------

    async def _follow(self, exits: asyncio.Queue[EngineEvent]) -> None:
        async for event in follow_events(self._engine, self._journal.write):
            # None: the stream is open from now on, or has ended.
            if event is None:
                self._streaming = not self._streaming
                continue
            self._journal.write_at(
                event.at_ns, EngineAction, container=event.container, action=event.action, detail=event.detail
            )
            self._actions.setdefault(event.container, deque(maxlen=KEPT_ACTIONS)).append(event)
            self._touched.add(event.container)
            self._arrived.set()
            self._arrived = asyncio.Event()
            if event.action == "die" and not exits.full():
                exits.put_nowait(event)

    async def _record_exits(self, exits: asyncio.Queue[EngineEvent]) -> None:
        """Record how each container ended and, unless an active fault can end it, its last lines."""
        while True:
            event = await exits.get()
            name, planned = event.container, self.may_end(event.container)
            lines: list[str] = []
            out_of_memory = False
            with suppress(EngineError):
                if not planned:
                    log = await asyncio.to_thread(self._engine.log, name, LOG_LINES)
                    lines = [_plain(line) for line in log.splitlines()[-LOG_LINES:]]
                out_of_memory = (await asyncio.to_thread(self._engine.inspect, name)).out_of_memory
            self._journal.write_at(
                event.at_ns, ContainerExited, container=name, out_of_memory=out_of_memory, planned=planned,
                exit_code=int(event.detail) if event.detail.isdecimal() else -1, log=lines,
            )  # fmt: skip


def _plain(line: str) -> str:
    """Return a line of a container's log in bounded length, without control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in line[:LOG_LINE_CHARS])
