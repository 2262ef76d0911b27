"""The phases of one run in the lab: up, ready, gate, timeline, heal, verify, converge, drain, collect."""

from __future__ import annotations

import asyncio
import logging
import time
from importlib import import_module
from pathlib import Path

from driver.background import background
from driver.errors import (
    ControlError,
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    LabError,
    LinksError,
    NotReadyError,
    RunAbortedError,
)
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import Aborted, Healed, LabTrouble, LinksSeen, ProxyLink, RunStarted
from driver.histories.journals import JOURNALS, JournalFiles
from driver.interrupts import interruptible
from driver.labs.clock_monitor import clock_readers
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.fault_runner import FaultRunner
from driver.labs.heal import heal
from driver.labs.lease_renewer import LeaseRenewer
from driver.labs.machine_monitor import MachineMonitor
from driver.results.run_folder import LOGS
from driver.runs.collect import collect, save_logs, write_receipts
from driver.runs.phase import phase
from driver.runs.resource_sampler import sample_resources
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunActivity, RunContext, RunProgress, RunSubject
from driver.terminal import ProgressView, Terminal
from wire.events import ProcessStopping

START_IN_NS = 100_000_000
_log = logging.getLogger("stormlab.run")


class RunPhases:
    """Executes a request on its system, the `subject`; journals and logs go to `folder`.

    `files` read the journals.
    """

    def __init__(self, request: RunRequest, subject: RunSubject, folder: Path, terminal: Terminal) -> None:
        self._request = request
        self.folder = folder
        self.files = JournalFiles()
        self._plan = request.plan
        self._subject = subject
        self._terminal = terminal
        self._journal = DriverJournal(folder / JOURNALS)
        self._up = False
        self._faults: FaultRunner | None = None
        self._ready = False
        self._machine = MachineMonitor(self._journal.write)
        self._healed = False
        self._goes_on = request.goes_on

    async def execute(self) -> LabError | None:
        """Execute all phases up to the drain, until they end, fail or are interrupted.

        Return the error when the lab broke; None when the history decides.
        """
        try:
            await interruptible(self._run_monitored(), self._on_signal)
        except InterruptedCommandError:
            self._terminal.info("Stopped: healing, keeping what was collected, and taking down.")
        except RunAbortedError as error:
            self._journal.write(Aborted, because=error.sentence)
            self._terminal.warn(f"Ended early, as the scenario asks: {error.sentence}")
        except LabError as error:
            busy = self._machine.busy()
            if busy and isinstance(error, NotReadyError | ControlError | LinksError):
                # On such a machine a timeout shows a failure neither of the lab nor of the system.
                # The verdict names the load of the machine; the terminal shows it once, there.
                self._journal.write(LabTrouble, what="machine_busy", detail=f"{busy}. {error.sentence}")
                self._terminal.warn(error.sentence)
                return None
            self._journal.write(LabTrouble, what="run_broken", detail=error.sentence)
            if not self._ready or isinstance(error, EngineGoneError):
                return error
            self._terminal.warn(error.sentence)
        except Exception as error:
            self._journal.write(LabTrouble, what="bug", detail=f"{type(error).__name__}: {error}")
            _log.debug("the run broke", exc_info=True)
            return LabError(
                f"The lab itself has a bug: {type(error).__name__}: {error}.", "--log-level DEBUG shows more."
            )
        return None

    async def cleanup(self) -> None:
        """Heal the lab unless it is healed, and collect; no signal interrupts this."""
        try:
            if self._up and not self._healed:
                await self._heal()
            async with phase(self._journal.write, "collect"):
                self._terminal.show(ProgressView("collecting journals"))
                await collect(self._subject, self.folder, self._journal.write, self._goes_on)
            if self._faults is not None:
                await asyncio.to_thread(write_receipts, self.folder, self._journal.write, self.files)
        except (LabError, OSError) as error:
            # A full disk is such an error: what can be kept is kept, and the lab is taken down.
            self._journal.write(LabTrouble, what="not_collected", detail=str(error))
            self._terminal.warn(str(error))
        finally:
            self._journal.write(ProcessStopping, reason="the run is over")
            self._journal.close()

    async def save_logs(self) -> None:
        """Save the containers' logs, which are for the reader: nothing is judged by them."""
        engine = self._subject.engine
        if engine is None:
            return
        try:
            await asyncio.to_thread(save_logs, engine, self.folder / LOGS, self._subject.logs_since_s)
        except (LabError, OSError) as error:
            self._terminal.warn(str(error))

    async def _run_monitored(self) -> None:
        async with background(self._machine.run()):
            await self._phases()

    async def _phases(self) -> None:
        write, subject, progress = self._journal.write, self._subject, RunProgress()
        write(
            RunStarted,
            run=self.folder.name,
            scenario=self._plan.scenario,
            seed=self._plan.seed,
            clients=list(self._subject.clients),
            duration_s=self._plan.duration_s,
            measured_s=self._plan.measured_s,
        )
        async with phase(write, "up"):
            await subject.up(self.folder)
            self._up = True
        async with background(*clock_readers(subject.lab.engine, self._journal)):
            await self._started(progress)

    async def _started(self, progress: RunProgress) -> None:
        """Execute the phases of a system that is up."""
        write, subject = self._journal.write, self._subject
        async with phase(write, "ready"):
            await subject.ready()
        self._ready = True
        lab = subject.lab
        renewer = LeaseRenewer(lab.links, await asyncio.to_thread(subject.links), self._trouble)
        monitor = ContainerMonitor(lab.engine, self._journal)
        faults = self._faults = FaultRunner(
            self._request.make_actuator(lab, renewer),
            monitor,
            self._journal,
            self._plan.faults,
            subject.notice_s,
        )
        monitor.may_end = faults.may_end
        zero_ns = time.monotonic_ns() + START_IN_NS
        context = RunContext(self.folder, self._journal, zero_ns, faults.active_names, progress)
        async with subject.activity(context) as activity:
            async with background(
                renewer.run(),
                monitor.run(),
                sample_resources(lab.engine, write),
                _load_reports(),
                *activity.work(),
            ):
                await self._inject(activity, faults, zero_ns, progress)
                await self._recover(activity, progress)
            await activity.finish()
            await self._record_links("end")

    async def _inject(
        self, activity: RunActivity, faults: FaultRunner, zero_ns: int, progress: RunProgress
    ) -> None:
        """Wait for a steady state, then run the faults, until the load is over."""
        end_ns = zero_ns + round(self._plan.duration_s * 1e9)
        progress.ends_at_ns = end_ns
        progress.phase = "reaching a steady state"
        async with phase(self._journal.write, "gate", zero_ns):
            due_ns = zero_ns + round(self._plan.warmup_s * 1e9)
            late_s = await activity.wait_ready(due_ns)
        progress.phase, progress.may_abort = "running", True
        faults_zero_ns = zero_ns + round(late_s * 1e9)
        async with phase(self._journal.write, "timeline", faults_zero_ns):
            self._subject.probe(faults_zero_ns)
            await faults.run(faults_zero_ns)
            measured_s = None if self._request.whole_load else self._plan.measured_s
            measured_ns = None if measured_s is None else faults_zero_ns + round(measured_s * 1e9)
            await activity.wait_load_over(measured_ns, end_ns)
        progress.may_abort = False

    async def _recover(self, activity: RunActivity, progress: RunProgress) -> None:
        write = self._journal.write
        await self._heal()
        progress.ends_at_ns = None
        progress.phase = "waiting until all are back"
        async with phase(write, "converge") as ending:
            await activity.wait_converged(self._plan.converge_s, ending)
        progress.phase = "waiting until all work is done"
        async with phase(write, "drain") as ending:
            await activity.wait_drained(self._plan.converge_s, ending)

    async def _heal(self) -> None:
        """End every fault, and verify that none is left."""
        await self._record_links("before_heal")
        async with phase(self._journal.write, "heal"):
            subject = self._subject
            # Links of now: a container that its system ended meanwhile has none.
            wanted = await asyncio.to_thread(subject.links)
            healing = await heal(subject.lab, wanted, ended=subject.ended_by_faults())
        async with phase(self._journal.write, "verify") as ending:
            self._journal.write(
                Healed,
                links=healing.links,
                containers=healing.containers,
                left=healing.left,
                took_ms=healing.took_ms,
            )
            self._healed = not healing.left
            if healing.left:
                ending.outcome, ending.detail = "failed", f"still degraded: {', '.join(healing.left)}"

    async def _record_links(self, moment: str) -> None:
        """Record the links that exist and the planned ones; without an answer the check finds none."""
        try:
            planned = await asyncio.to_thread(self._subject.links)
            found = await asyncio.to_thread(self._subject.lab.links.states)
        except (LinksError, EngineError) as error:
            _log.debug("links at %s: %s", moment, error)
            return
        self._journal.write(
            LinksSeen,
            moment=moment,
            planned=[ProxyLink(one.name, one.listen, one.upstream) for one in planned],
            found=[
                ProxyLink(one.name, one.listen, one.upstream, one.enabled, [*one.faults, *one.toxics])
                for one in found
            ],
        )

    def _trouble(self, what: str, detail: str) -> None:
        self._journal.write(LabTrouble, what=what, detail=detail)
        self._terminal.warn(f"trouble in the lab: {detail}")

    def _on_signal(self, count: int) -> None:
        self._subject.interrupt()
        if count > 1:
            self._terminal.info("Still healing and taking down; a moment.")


async def _load_reports() -> None:
    """Import what reports are made with while the system warms up: it takes longer than to judge a run."""
    await asyncio.to_thread(import_module, "driver.report.write")
