"""Begins and ends the faults of a trial one at a time, as those of a run: with leases, journal, receipts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from driver.background import background
from driver.errors import LabError
from driver.histories.connection_history import connection_histories
from driver.histories.driver_journal import DriverJournal
from driver.histories.link_connections import LinkConnection, incomplete_links, link_journals
from driver.histories.link_history import link_history
from driver.histories.live_journals import LiveJournals
from driver.histories.run_timeline import run_timeline
from driver.judging.receipt_rebuild import rebuild_proofs
from driver.judging.receipts import Proof
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.fault_runner import FaultRunner
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.labs.machine_monitor import MachineMonitor
from driver.scenarios.plan import PlannedFault
from driver.systems.system_site import SystemSite
from driver.trial.picture import LinkLane, link_lane

START_IN_S = 0.7
"""From the request to the prober until the fault begins."""
CALL_TIMEOUT_S = 60.0
NOTICE_S = 4.0
_POLL_S = 0.02
_EARLY_S = 0.5

T = TypeVar("T")


@dataclass(frozen=True)
class FaultRecords:
    """A proof of each fault that began, and the connections of each link, as doors have written them down.

    Those of the `incomplete` links are not all there. `lanes` are of the other links, and `windows` has when
    each fault was on, in seconds of the monotonic clock.
    """

    proofs: Sequence[Proof]
    connections: Mapping[str, Sequence[LinkConnection]]
    incomplete: Sequence[str] = ()
    lanes: Mapping[str, LinkLane] = field(default_factory=dict)
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class StepFaults:
    """Faults on one system that is up. Calls block, and come from one thread; the work is done in another.

    `connections_hit` counts the clients' live connections that the last link fault met.
    """

    def __init__(self, site: SystemSite) -> None:
        self._site = site
        self._journal = DriverJournal(site.driver_folder)
        self._renewer = LeaseRenewer(site.links, [], lambda what, detail: None)
        self._monitor = ContainerMonitor(site.engine, self._journal)
        self._machine = MachineMonitor(self._journal.write)
        self._actuator = LabActuator(site, self._renewer)
        self._links: set[str] = set()
        self._journals = LiveJournals([*site.journals, site.driver_folder])
        self._fault: tuple[PlannedFault, FaultRunner, Future[None], float] | None = None
        self._closed = False
        self.connections_hit = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults", daemon=True)
        self._thread.start()
        self._measuring: Future[None] | None = None

    def busy(self, since_s: float) -> str:
        """Return why this machine was too busy since a monotonic time; "" when it was not."""
        return self._machine.busy(round(since_s * 1e9))

    def begin(self, planned: PlannedFault) -> None:
        """Begin a fault; return once it has begun. Raises LabError where it cannot."""
        if self._measuring is None:
            self._measuring = asyncio.run_coroutine_threadsafe(self._machine.run(), self._loop)
        self.follow()
        # Read often, since a journal is read from a bounded distance before its end.
        self._journals.read()
        zero_ns = time.monotonic_ns() + round(START_IN_S * 1e9)
        self._site.request_probe_rate([planned], zero_ns)
        runner = FaultRunner(self._actuator, self._monitor, self._journal, (planned,), NOTICE_S)
        self._monitor.may_end = runner.may_end
        running = asyncio.run_coroutine_threadsafe(self._run(runner, zero_ns), self._loop)
        self._fault = planned, runner, running, time.monotonic() + START_IN_S + (planned.for_s or 0.0)
        deadline_s = time.monotonic() + CALL_TIMEOUT_S
        while not (planned.id in runner.injected or planned.id in runner.failed or running.done()):
            if time.monotonic() > deadline_s:
                raise LabError(f"{planned.fault} did not begin within {CALL_TIMEOUT_S:.0f} s.")
            time.sleep(_POLL_S)
        if planned.id in runner.failed:
            raise LabError(f"It could not be done: {runner.failed[planned.id]}")
        if planned.id not in runner.injected:
            # What has ended its work is raised here, and not at its end again.
            self._fault = None
            self._call(runner.end_all())
            running.result(0)

    async def _run(self, runner: FaultRunner, zero_ns: int) -> None:
        async with background(self._renewer.run(), self._monitor.run()):
            await runner.run(zero_ns)

    def end(self) -> None:
        """End the fault that is on; return once it has ended. Raises LabError where it does not."""
        fault, self._fault = self._fault, None
        if fault is None:
            return
        planned, runner, running, until_s = fault
        if time.monotonic() < until_s - _EARLY_S:
            # Before its time: nothing else ends it at the same moment.
            running.cancel()
        try:
            with suppress(CancelledError):
                _result(running)
        finally:
            self._call(runner.end_all())
        injected = runner.injected.get(planned.id)
        self.connections_hit = sum(injected.connections_hit.values()) if injected else 0
        if planned.id in runner.active:
            raise LabError(f"{planned.fault} on {planned.targets[0]} could not be ended.")

    def follow(self) -> None:
        """Let the prober observe the links of all replicas that run now."""
        if self._site.running.prober is not None:
            self._links |= set(self._site.running.prober.follow())

    def records(self) -> FaultRecords:
        """Return what prober, engine and doors have recorded of this system up to now."""
        history = self._journals.read()
        journals, links = history.view(link_journals), link_history(history)
        run = links.view(run_timeline)
        return FaultRecords(
            rebuild_proofs(history, sorted(self._links)),
            {name: journal.connections for name, journal in journals.items()},
            incomplete_links(history),
            {
                name: link_lane(found, journals[name], run.end_ns)
                for name, found in links.view(connection_histories).items()
            },
            {
                one.fault: (one.began_ns / 1e9, (one.ended_ns or one.began_ns) / 1e9)
                for one in history.view(run_timeline).faults
            },
        )

    def close(self) -> None:
        """End the fault that is on, and the work; repeating is safe. Raises nothing but KeyboardInterrupt."""
        if self._closed:
            return
        with suppress(Exception):
            self.end()
        self._closed = True
        with suppress(Exception):
            self._call(_end_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        if not self._loop.is_running():
            self._loop.close()
        self._journal.close()

    def _call(self, work: Coroutine[object, object, T]) -> T:
        return _result(asyncio.run_coroutine_threadsafe(work, self._loop))


async def _end_others() -> None:
    """Cancel all other work of this loop, and wait until it has ended: a loop that stops before leaves it."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _result(running: Future[T]) -> T:
    try:
        return running.result(CALL_TIMEOUT_S)
    except TimeoutError:
        raise LabError(f"A fault did not end within {CALL_TIMEOUT_S:.0f} s.") from None
