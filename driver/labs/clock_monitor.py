"""Reads the clocks of a lab's hosts all through a run, over the control network, and records each reading."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from driver.engines.many_hosts import ManyHosts
from driver.errors import EngineError
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import ClockRead, HostLost, ProcessesPlaced

READ_EVERY_S = 0.5
"""Between two readings of a host: by then its bound has grown by half a millisecond at most (DRIFT_PPM)."""
PLACED_EVERY_S = 1.0
LOST_AFTER = 6
"""Readings in a row without an answer, after which a host is lost. Its processes may run on, unobserved."""
_log = logging.getLogger("stormlab.clocks")


def clock_readers(engine: object, journal: DriverJournal) -> list[Coroutine[object, object, None]]:
    """Return what reads the clocks of an engine's hosts; nothing where all share this machine's."""
    return [ClockMonitor(engine, journal).run()] if isinstance(engine, ManyHosts) else []


class ClockMonitor:
    """Records on which host each process runs, and a reading of each host's clock twice a second."""

    def __init__(
        self,
        hosts: ManyHosts,
        journal: DriverJournal,
        every_s: float = READ_EVERY_S,
        placed_every_s: float = PLACED_EVERY_S,
    ) -> None:
        self._placed_every_s = placed_every_s
        self._hosts = hosts
        self._journal = journal
        self._every_s = every_s

    async def run(self) -> None:
        """Read until cancelled. A host that does not answer is asked again; it is recorded once as lost.

        Raises EngineError where the engine cannot say which processes it placed where, and the journal's
        LabError.
        """
        known: dict[str, str] = {}
        followed: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                for host, processes in (await asyncio.to_thread(self._hosts.placed)).items():
                    if host not in followed:
                        followed.add(host)
                        group.create_task(self._follow(host))
                    if added := [one for one in processes if known.get(one) != host]:
                        self._journal.write(ProcessesPlaced, host=host, processes=added)
                        known.update(dict.fromkeys(added, host))
                await asyncio.sleep(self._placed_every_s)

    async def _follow(self, host: str) -> None:
        missed = 0
        while True:
            try:
                reading = await asyncio.to_thread(self._hosts.read_clock, host)
            except EngineError as error:
                missed += 1
                _log.debug("the clock of %s: %s", host, error)
                if missed == LOST_AFTER:
                    self._journal.write(HostLost, host=host, detail=error.sentence)
            else:
                missed = 0
                self._journal.write_at(
                    reading.answered_ns, ClockRead, host=host,
                    asked_ns=reading.asked_ns, host_ns=reading.host_ns,
                )  # fmt: skip
            await asyncio.sleep(self._every_s)
