"""Injects one fault from the command line into a lab that is up, and always ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from chaos.evidence import ContainerEffect
from chaos.fault import Layer
from driver.background import background
from driver.errors import InterruptedCommandError, LabError
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import Receipt
from driver.histories.live_journals import LiveJournals
from driver.interrupts import interruptible
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.end_request import EndRequest
from driver.labs.fault_runner import FaultRunner
from driver.labs.heal import heal
from driver.labs.injection_effect import SETTLED_WITHIN_S, InjectionEffect, injection_effect, wait_settled
from driver.labs.injection_site import InjectionSite
from driver.labs.lab_actuator import LabActuator
from driver.labs.lab_prober import BASELINE_WITHIN_S, wait_for_baseline
from driver.labs.lease_renewer import FAULT_LOST, LEASE_TIMING, LeaseRenewer, LeaseTiming
from driver.scenarios.plan import PlannedFault
from driver.terminal import ProgressView, Terminal

START_IN_NS = 500_000_000
NOTICE_S = 4.0


class EndReason(Enum):
    """Why an injection ended: its time was over, Ctrl-C, `heal` or Toxiproxy ended its fault, or its anchor
    did not come.
    """

    over = "over"
    stopped = "stopped"
    healed = "healed"
    missed = "missed"


@dataclass(frozen=True)
class EndedInjection:
    """How an injection ended, how long it lasted, the journals that record its effect, and the links that
    the lab had. `detail` is the reason of one whose anchor did not come.
    """

    reason: EndReason
    lasted_s: float
    journals: LiveJournals
    links: Sequence[str] = ()
    detail: str = ""


@dataclass(frozen=True)
class InjectionTiming:
    """Times of a manual injection: from the baseline to the fault's begin; limits of the waits for the
    baseline of the links and for the proof; and the renewal of leases.
    """

    start_in_ns: int = START_IN_NS
    baseline_within_s: float = BASELINE_WITHIN_S
    settled_within_s: float = SETTLED_WITHIN_S
    leases: LeaseTiming = LEASE_TIMING


TIMING = InjectionTiming()


class _EndedElsewhereError(LabError):
    """`heal` or Toxiproxy ended the fault of this command."""


async def inject(
    site: InjectionSite,
    planned: Sequence[PlannedFault],
    request: EndRequest,
    terminal: Terminal,
    timing: InjectionTiming = TIMING,
) -> EndedInjection:
    """Inject the planned segments, end them, and return how they ended.

    Ctrl-C, and `heal` in another terminal (`request`), end them early. Raises LabError where the fault cannot
    begin or end, and where the prober cannot start.
    """
    journal = DriverJournal(site.driver_folder)
    try:
        is_probed = await site.ensure_prober(terminal)
        journals = LiveJournals([*site.journals, site.driver_folder])
        if ContainerEffect.ended in planned[0].build().changes:
            site.note_ended(planned[0].targets)
        work = _Execution(site, planned, journal, journals if is_probed else None, terminal, timing)
        reason, began_ns, ended_ns = await work.execute(request)
    finally:
        terminal.clear()
        journal.close()
    return EndedInjection(reason, (ended_ns - began_ns) / 1e9, journals, work.links, work.missed)


async def await_effect(
    site: InjectionSite,
    injection: EndedInjection,
    planned: Sequence[PlannedFault],
    terminal: Terminal,
    timing: InjectionTiming = TIMING,
) -> InjectionEffect:
    """Return an injection's effect once it is proved and all clients are back; Ctrl-C ends the wait.

    Writes the receipts into the driver's journal. Raises LabError where that cannot be written.
    """
    journal = DriverJournal(site.driver_folder)
    links = injection.links
    try:
        try:
            effect = await interruptible(
                wait_settled(site, injection.journals, planned, links, terminal, timing.settled_within_s),
                lambda _: None,
            )
        except InterruptedCommandError:
            history = await asyncio.to_thread(injection.journals.read)
            effect = await asyncio.to_thread(injection_effect, history, planned, links, site)
        for proof in effect.proofs:
            journal.write(Receipt, **asdict(proof))
        return effect
    finally:
        terminal.clear()
        journal.close()


class _Execution:
    """The faults of one command, from the baseline of the links to the last heal.

    `journals` show that baseline; None without a prober.
    """

    def __init__(
        self,
        site: InjectionSite,
        planned: Sequence[PlannedFault],
        journal: DriverJournal,
        journals: LiveJournals | None,
        terminal: Terminal,
        timing: InjectionTiming,
    ) -> None:
        self._timing = timing
        self._site = site
        self._planned = planned
        self._wanted = site.wanted()
        self.links = [link.name for link in self._wanted]
        self._journals = journals
        self._terminal = terminal
        self._lost = asyncio.Event()
        self._zero_ns, self._begun = time.monotonic_ns(), False
        self._renewer = LeaseRenewer(site.links, self._wanted, self._trouble, timing.leases)
        self._monitor = ContainerMonitor(site.engine, journal)
        actuator = LabActuator(site, self._renewer)
        self._runner = FaultRunner(actuator, self._monitor, journal, tuple(planned), NOTICE_S)

    async def execute(self, request: EndRequest) -> tuple[EndReason, int, int]:
        """Begin and end the faults. Returns why they ended, and when they began and ended (CLOCK_MONOTONIC).

        Raises LabError.
        """
        reason = EndReason.over
        try:
            await interruptible(self._run(request), lambda _: None)
        except InterruptedCommandError:
            reason = EndReason.stopped
            self._terminal.info("Ending it now.")
        except _EndedElsewhereError as error:
            reason = EndReason.healed
            self._terminal.info(error.sentence)
        finally:
            ended = await self._runner.end_all()
            if not ended or self._acts_on_containers:
                # A fault may have ended its target, which only a heal starts again.
                await _heal(self._site, self._planned[0].targets)
            if self._acts_on_containers:
                # The engine's event of a start may come after its events were followed.
                await self._monitor.read(self._planned[0].targets)
        for detail in self._runner.failed.values():
            raise LabError(f"It could not be done: {detail}")
        if self.missed:
            reason = EndReason.missed
        return reason, self._zero_ns, time.monotonic_ns()

    @property
    def missed(self) -> str:
        """Why the fault did not begin, where its anchor did not come; else ""."""
        return next(iter(self._runner.missed.values()), "")

    @property
    def _acts_on_containers(self) -> bool:
        return self._planned[0].build().layer is Layer.container

    async def _run(self, request: EndRequest) -> None:
        monitors = [self._monitor.run()] if self._acts_on_containers else []
        follow = self._site.follow_links()
        async with background(
            self._renewer.run(), self._show(), self._end_elsewhere(request), follow, *monitors
        ):
            await self._observe_baseline()
            self._zero_ns, self._begun = time.monotonic_ns() + self._timing.start_in_ns, True
            await self._runner.run(self._zero_ns)

    async def _observe_baseline(self) -> None:
        if self._journals is None:
            return
        self._site.request_probe_rate(self._planned, time.monotonic_ns())
        within_s = self._timing.baseline_within_s
        if not await wait_for_baseline(self._journals, self._planned, self.links, within_s):
            self._terminal.warn("The prober has not seen every link; this fault may not be proved.")
        begin_ns = time.monotonic_ns() + self._timing.start_in_ns
        self._site.request_probe_rate(self._planned, begin_ns)

    async def _show(self) -> None:
        while True:
            active = self._runner.active_names()
            end_ns = self._zero_ns + round(max(fault.end_s for fault in self._planned) * 1e9)
            left_s = (end_ns - time.monotonic_ns()) / 1e9 if self._begun else None
            phase = "Ctrl-C ends it" if self._begun else "observing the links without a fault"
            self._terminal.show(ProgressView(phase, faults=active, left_s=left_s))
            await asyncio.sleep(0.5)

    async def _end_elsewhere(self, request: EndRequest) -> None:
        """Raise _EndedElsewhereError once `heal` requests the end, or Toxiproxy no longer has the fault."""
        waits = [asyncio.ensure_future(request.wait()), asyncio.ensure_future(self._lost.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        what = "Toxiproxy no longer has this fault" if self._lost.is_set() else "`heal` was called"
        raise _EndedElsewhereError(f"{what}; ending it now.")

    def _trouble(self, what: str, detail: str) -> None:
        if what == FAULT_LOST:
            self._lost.set()
        else:
            self._terminal.warn(detail)


async def _heal(site: InjectionSite, targets: Sequence[str]) -> None:
    ended = site.ended_by_faults()
    # Links of now: a container that its system ended meanwhile has none.
    wanted = await asyncio.to_thread(site.wanted)
    healing = await heal(site, wanted, ended=None if ended is None else set(targets) & set(ended))
    if healing.left:
        raise LabError(
            f"Still degraded: {', '.join(healing.left)}.",
            f"Try again: python lab.py heal{site.option}",
        )
