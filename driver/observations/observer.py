"""Reads the observations of a scenario: before the first fault, during the run, and once all has settled.

Clients block, so that each reading is in a thread of its own. One that does not end in time is unknown, and
until it ends the next ones of its observation are: a server that never answers holds one thread at most.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from driver.errors import LabError, UsageError
from driver.histories.system_events import AFTER, BEFORE, DURING, Reading
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, ReadingTable, Value
from driver.observations.table_parts import Rows, table_parts
from driver.observations.values import shown

EVERY_S = 1.0
"""How often a number is read during the run, unless the scenario says so."""
GRACE_S = 2.0
"""How much longer than its limit a reading is waited for: the client's own limit names the reason."""
AGAIN_S = 0.5
WITHIN_S = 20.0
"""How long the first and the final readings are tried again; also until the relay is up."""
SHOWN_ERRORS = 8
OLD_TIMES = 3
"""Intervals after which the newest number is no longer one."""
DURING_BYTES = 256 << 20
"""Of all tables of one observation that are read during the run; later ones are unknown."""

Taken = float | list[tuple[tuple[str, ...], Rows]] | str
"""A number, the parts of a table under its columns, or why a reading failed."""
Write = Callable[..., None]
"""Writes an event of a kind with these fields: `DriverJournal.write`."""


class Observer:
    """The observations of one run, by their names. `write` takes a line of the journal `observer`."""

    def __init__(
        self, observations: Mapping[str, SystemObservation], context: ReadingContext, write: Write
    ) -> None:
        self._sources = [_Source(name, one, one.reader(context), write) for name, one in observations.items()]

    def numbers(self, now_s: float) -> dict[str, float | None]:
        """Return the newest reading of each observation; None for one that is unknown, old, or no number."""
        return {one.name: None if one.is_old(now_s) else one.newest for one in self._sources}

    def read_at_s(self) -> dict[str, float]:
        """Return when the newest reading of each observation came (CLOCK_MONOTONIC)."""
        return {one.name: one.newest_s for one in self._sources}

    async def read_first(self, within_s: float = WITHIN_S) -> None:
        """Read each observation once, before the first fault; one that fails is tried again for `within_s`.

        Raises UsageError for those that cannot be read, with what was tried and what came back.
        """
        await self._read_all(BEFORE, within_s)
        failed = [one for one in self._sources if one.reason]
        if failed:
            more = f" and {len(failed) - SHOWN_ERRORS} more" if len(failed) > SHOWN_ERRORS else ""
            lines = "".join(f"\n  {one.error}" for one in failed[:SHOWN_ERRORS])
            raise UsageError(
                f"Before the first fault, what the scenario observes cannot be read{more}:{lines}\n",
                "Correct `observe` in the scenario, or the system.",
            )

    async def follow(self) -> None:
        """Read each observation at its interval, until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for one in self._sources:
                group.create_task(one.follow())

    def end(self) -> None:
        """Begin no further reading of the run's time."""
        for one in self._sources:
            one.is_over = True

    async def read_last(self, within_s: float = WITHIN_S, again_s: float = AGAIN_S) -> None:
        """Read each observation once all has settled; one that fails is tried again for `within_s`, each time
        after `again_s`.

        One that fails to the end is written as unknown.
        """
        await self._read_all(AFTER, within_s, again_s)

    async def current(self) -> dict[str, Taken]:
        """Return what each observation reads now, by name; nothing is written down."""
        values = await asyncio.gather(*(one.current() for one in self._sources))
        return {one.name: value for one, value in zip(self._sources, values, strict=True)}

    async def _read_all(self, moment: str, within_s: float, again_s: float = AGAIN_S) -> None:
        async with asyncio.TaskGroup() as group:
            for one in self._sources:
                group.create_task(one.read_within(moment, within_s, again_s))


class _Source:
    """One observation: `newest` is its last number, of `newest_s`; `reason` why its last reading failed,
    else "". Once it `is_over` it is followed no more.
    """

    def __init__(self, name: str, observation: SystemObservation, reader: Reader, write: Write) -> None:
        self.name = name
        self.newest: float | None = None
        self.newest_s = 0.0
        self.reason = ""
        self._observation = observation
        self._read = reader
        self._write = write
        self._done: concurrent.futures.Future[Value] | None = None
        self.is_over = False
        self._is_table = False
        self._room_bytes = DURING_BYTES
        self._turn = asyncio.Lock()

    @property
    def error(self) -> str:
        """What was tried and what came back, of a reading that failed."""
        one = self._observation
        return f"observe.{self.name} ({one.name}): {one.tried}: {self.reason}"

    @property
    def _every_s(self) -> float:
        return self._observation.every_s or EVERY_S

    def is_old(self, now_s: float) -> bool:
        """Whether the newest reading is older than one that is followed can be."""
        slow_s = self._every_s + self._observation.timeout_s + GRACE_S
        return now_s - self.newest_s > max(OLD_TIMES * self._every_s, slow_s)

    async def follow(self) -> None:
        """Read at the interval until this is cancelled; instants that a slow reading covers are left out.

        A table is read at an interval of its own alone.
        """
        every_s = self._every_s
        due_s = time.monotonic() + every_s
        while not self.is_over and (not self._is_table or self._observation.every_s is not None):
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await self._take(DURING)
            due_s = max(due_s + every_s, time.monotonic())

    async def current(self) -> Taken:
        """Return what is read now, once a reading that is under way has ended."""
        _, value = await self._ask()
        return value

    async def read_within(self, moment: str, within_s: float, again_s: float) -> None:
        """Read until a reading succeeds, and write that one; at the end of the time the last failure."""
        deadline = time.monotonic() + within_s
        while True:
            if moment == AFTER:
                await self._wait_for_reading(deadline)
            asked_ns, value = await self._ask()
            if isinstance(value, str) and time.monotonic() + again_s < deadline:
                await asyncio.sleep(again_s)
                continue
            self._keep(moment, asked_ns, value)
            return

    async def _wait_for_reading(self, deadline: float) -> None:
        """Wait until the reading before has ended, whatever came of it, and until `deadline` at most."""
        if self._done is not None:
            with suppress(ReadingError, LabError, TimeoutError):
                left_s = max(0.0, deadline - time.monotonic())
                await asyncio.wait_for(asyncio.wrap_future(self._done), left_s)

    async def _take(self, moment: str) -> None:
        asked_ns, value = await self._ask()
        self._keep(moment, asked_ns, self._bounded(value))

    def _bounded(self, value: Taken) -> Taken:
        """Return a reading of the run, or that all of them together are too large."""
        if isinstance(value, float | str):
            return value
        self._room_bytes -= sum(len(msgspec.json.encode(rows)) for _, rows in value)
        if self._room_bytes < 0:
            return f"its readings during the run have more than {DURING_BYTES:,} bytes"
        return value

    async def _ask(self) -> tuple[int, Taken]:
        """Return when it was asked, and what came of it; one is asked at a time."""
        async with self._turn:
            return await self._ask_now()

    async def _ask_now(self) -> tuple[int, Taken]:
        asked_ns = time.monotonic_ns()
        limit_s = self._observation.timeout_s
        try:
            value = await self._in_thread(limit_s + GRACE_S)
            if isinstance(value, ReadingTable):
                return asked_ns, [(value.columns, rows) for rows in table_parts(value)]
            return asked_ns, float(value)
        except ReadingError as error:
            return asked_ns, str(error)
        except LabError as error:
            return asked_ns, shown(str(error))
        except TimeoutError:
            return asked_ns, f"no answer within {limit_s:g} s"

    async def _in_thread(self, within_s: float) -> Value:
        """Return one reading, or raise what its reader does. Raises TimeoutError and ReadingError."""
        if self._done is not None and not self._done.done():
            raise ReadingError("the reading before has not ended")
        done: concurrent.futures.Future[Value] = concurrent.futures.Future()
        # From here on a wait that is over leaves it alone.
        done.set_running_or_notify_cancel()
        self._done = done
        name = f"observe-{self.name}"
        threading.Thread(target=self._settle, args=(done,), name=name, daemon=True).start()
        # Not `wait_for`, which takes a value that comes with a cancellation, and goes on (Python 3.11).
        async with asyncio.timeout(within_s):
            return await asyncio.wrap_future(done)

    def _settle(self, done: concurrent.futures.Future[Value]) -> None:
        try:
            value = self._read()
        except (ReadingError, LabError) as error:
            done.set_exception(error)
        except Exception as error:
            # A client's own defect, at an answer that it did not expect, is no reason to end the run.
            done.set_exception(ReadingError(shown(f"{type(error).__name__}: {error}")))
        else:
            done.set_result(value)

    def _keep(self, moment: str, asked_ns: int, value: Taken) -> None:
        """Write a reading."""
        self.newest = value if isinstance(value, float) else None
        self.newest_s = time.monotonic()
        self.reason = value if isinstance(value, str) else ""
        fields = {"name": self.name, "moment": moment, "asked_ns": asked_ns}
        if isinstance(value, str):
            self._write(Reading, **fields, unknown=value)
        elif isinstance(value, float):
            self._write(Reading, **fields, number=value)
        else:
            self._is_table = True
            if moment == DURING and self._observation.every_s is None:
                return
            for part, (columns, rows) in enumerate(value, 1):
                self._write(Reading, **fields, columns=list(columns), rows=rows, part=part, parts=len(value))
