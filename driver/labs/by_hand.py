"""One fault on a lab that is up, told from the command line: planned like any other, and always ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from chaos.catalogue import FaultError, make
from chaos.fault import Layer
from chaos.targets import CORE, Fleet, TargetError
from driver.background import background
from driver.engines.engine import WORKER
from driver.errors import InterruptedCommandError, LabError, UsageError
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import Receipt
from driver.histories.live_journals import LiveJournals
from driver.interrupts import interruptible
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.end_request import EndRequest
from driver.labs.fault_runner import FaultRunner
from driver.labs.heal import heal
from driver.labs.lab import Lab, links_named
from driver.labs.lab_actuator import LabActuator
from driver.labs.lab_journals import manual_journal_folder
from driver.labs.lease_renewer import FAULT_LOST, LeaseRenewer
from driver.labs.links import Link
from driver.labs.prober_by_hand import ensure_prober, look_closer, usual_is_known
from driver.labs.project_name import project_option
from driver.labs.proof_by_hand import Effect, effect_of, settled
from driver.scenarios.plan import PlannedFault
from driver.terminal import ProgressView, Terminal

BY_HAND = "by-hand-"
"""How the ids of faults by hand begin."""
LONGEST_S = 3600.0
START_IN_NS = 500_000_000
AT_ONCE_S = 1.0
"""How long a fault without `--for` lasts, where all of it is in its beginning: a kill."""
NOTICE_S = 4.0


def plan_by_hand(
    fault: str, params: Mapping[str, Any], selection: str, for_s: float | None, seed: int, workers: int
) -> list[PlannedFault]:
    """The fault in the stretches in which it comes. Raises UsageError for what cannot be."""
    try:
        made = make(fault, params)
        targets = Fleet(workers, seed).select(selection, "by-hand")
    except (FaultError, TargetError) as error:
        raise UsageError(f"inject {fault}: {error}.", f"See: python lab.py inject {fault} --help") from None
    core = [name for name in targets if name in CORE]
    if core and made.layer is not Layer.container:
        raise UsageError(
            f"inject {fault}: it hurts the links of workers, and {core[0]} has none of its own.",
            "--workers all hurts every link to it.",
        )
    if not made.lasting and for_s is not None:
        raise UsageError(f"inject {fault}: it is over in an instant, and takes no --for.")
    until_stopped_s = AT_ONCE_S if made.done_at_once else LONGEST_S
    lasts_s = (until_stopped_s if for_s is None else for_s) if made.lasting else None
    name = f"{BY_HAND}{secrets.token_hex(3)}"
    return [
        PlannedFault(
            id=f"{name}-{number}", entry=name, fault=part.fault.name, params=part.fault.params(),
            targets=targets, at_s=part.at_s, for_s=part.for_s, seed=seed,
        )
        for number, part in enumerate(made.expand(lasts_s), 1)
    ]  # fmt: skip


class Ending(Enum):
    """Why an injection ended: its time was over, Ctrl-C, or something else ended its fault first."""

    over = "over"
    stopped = "stopped"
    healed = "healed"


@dataclass(frozen=True)
class Injection:
    """How an injection ended, and how long after its begin; `recent` is what the journals say of it."""

    ending: Ending
    lasted_s: float
    recent: LiveJournals


class _EndedElsewhereError(LabError):
    """Something else than this command ended its fault."""


async def inject(
    lab: Lab, planned: Sequence[PlannedFault], request: EndRequest, terminal: Terminal
) -> Injection:
    """Carry it out, heal, and return how it ended. Raises LabError.

    Ctrl-C, and `heal` in another terminal, end it early.
    """
    workers = [one.name for one in lab.engine.containers() if one.service == WORKER]
    folder = manual_journal_folder(lab.engine.project)
    journal = DriverJournal(folder)
    try:
        await ensure_prober(lab, len(workers), terminal)
        recent = LiveJournals([folder] if lab.spec.journals is None else [lab.spec.journals, folder])
        work = _Work(lab, planned, workers, journal, recent, terminal)
        ending, began_ns, ended_ns = await work.do(request)
    finally:
        terminal.clear()
        journal.close()
    return Injection(ending, (ended_ns - began_ns) / 1e9, recent)


async def settle(
    lab: Lab, injection: Injection, planned: Sequence[PlannedFault], terminal: Terminal
) -> Effect:
    """What an injection did, once that is proved and all workers are back; Ctrl-C ends the wait.

    Its receipts are written into the driver's journal.
    """
    journal = DriverJournal(manual_journal_folder(lab.engine.project))
    recent = injection.recent
    try:
        try:
            effect = await interruptible(settled(lab, recent, planned, terminal), lambda _: None)
        except InterruptedCommandError:
            effect = await asyncio.to_thread(lambda: effect_of(recent.read(), planned))
        for proof in effect.proofs:
            journal.write(Receipt, **asdict(proof))
        return effect
    finally:
        terminal.clear()
        journal.close()


class _Work:
    """The faults of one command, from the first look at the links to the last heal."""

    def __init__(
        self,
        lab: Lab,
        planned: Sequence[PlannedFault],
        workers: Sequence[str],
        journal: DriverJournal,
        recent: LiveJournals,
        terminal: Terminal,
    ) -> None:
        self._lab = lab
        self._planned = planned
        self._workers = workers
        self._wanted = links_named(lab, workers)
        self._recent = recent
        self._terminal = terminal
        self._lost = asyncio.Event()
        self._zero_ns, self._begun = time.monotonic_ns(), False
        self._renewer = LeaseRenewer(lab.links, self._wanted, self._trouble)
        self._monitor = ContainerMonitor(lab.engine, journal)
        actuator = LabActuator(lab, self._renewer)
        self._runner = FaultRunner(actuator, self._monitor, journal, tuple(planned), NOTICE_S)

    async def do(self, request: EndRequest) -> tuple[Ending, int, int]:
        """Begin and end the faults: why they ended, and from when to when they were on. Raises LabError."""
        ending = Ending.over
        try:
            await interruptible(self._work(request), lambda _: None)
        except InterruptedCommandError:
            ending = Ending.stopped
            self._terminal.info("Ending it now.")
        except _EndedElsewhereError as error:
            ending = Ending.healed
            self._terminal.info(error.sentence)
        finally:
            ended = await self._runner.end_all()
            if not ended or self._hurts_containers:
                # A fault may have ended its target, which then runs again only when it is started.
                await _heal(self._lab, self._wanted)
        for detail in self._runner.failed.values():
            raise LabError(f"It could not be done: {detail}")
        return ending, self._zero_ns, time.monotonic_ns()

    @property
    def _hurts_containers(self) -> bool:
        return self._planned[0].build().layer is Layer.container

    async def _work(self, request: EndRequest) -> None:
        looks = [self._monitor.run()] if self._hurts_containers else []
        async with background(self._renewer.run(), self._show(), self._end_elsewhere(request), *looks):
            await self._look_before()
            self._zero_ns, self._begun = time.monotonic_ns() + START_IN_NS, True
            await self._runner.run(self._zero_ns)

    async def _look_before(self) -> None:
        journals = self._lab.spec.journals
        if journals is None:
            return
        look_closer(journals, self._planned, len(self._workers), time.monotonic_ns())
        if not await usual_is_known(self._recent, self._planned, self._workers):
            self._terminal.warn("The prober has not seen every link; this fault may not be proved.")
        look_closer(journals, self._planned, len(self._workers), time.monotonic_ns() + START_IN_NS)

    async def _show(self) -> None:
        while True:
            on = self._runner.active_names()
            end_ns = self._zero_ns + round(max(fault.end_s for fault in self._planned) * 1e9)
            left_s = (end_ns - time.monotonic_ns()) / 1e9 if self._begun else None
            phase = "Ctrl-C ends it" if self._begun else "looking at the links without a fault"
            self._terminal.show(ProgressView(phase, faults=on, left_s=left_s))
            await asyncio.sleep(0.5)

    async def _end_elsewhere(self, request: EndRequest) -> None:
        """Raise once `heal` is called, or once Toxiproxy no longer has the fault."""
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


async def _heal(lab: Lab, wanted: Sequence[Link]) -> None:
    healing = await heal(lab, wanted)
    if healing.left:
        raise LabError(
            f"Still hurt: {', '.join(healing.left)}.",
            f"Try again: python lab.py heal{project_option(lab.engine.project)}",
        )
