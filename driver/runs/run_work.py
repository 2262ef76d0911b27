"""The work of one run: up, ready, gate, timeline, heal, verify, converge, drain, collect."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from chaos.prober.probe_rate import write_windows
from driver.background import background
from driver.engines.engine import PROBER, Engine, LabSpec
from driver.errors import (
    CoordinatorError,
    EngineGoneError,
    InterruptedCommandError,
    LabError,
    LinksError,
    NotReadyError,
    RunAbortedError,
)
from driver.files import write_file
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import Aborted, Healed, LabTrouble, LastState, LinksSeen, ProxyLink, RunStarted
from driver.histories.journals import JOURNALS
from driver.interrupts import stoppable
from driver.labs.bring_up import start_core, start_workers
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.fault_runner import FaultRunner
from driver.labs.heal import heal
from driver.labs.lab import Lab, links_for
from driver.labs.lease_renewer import LeaseRenewer
from driver.labs.load_generator import Load
from driver.runs.machine_monitor import MachineMonitor
from driver.runs.phases import phase
from driver.runs.run_collect import collect
from driver.runs.run_receipts import write_receipts
from driver.runs.run_request import Request
from driver.runs.run_settle import converge, drain, gate
from driver.runs.run_watch import Watcher
from driver.runs.sampler import sample
from driver.scenarios.abort_when import AbortMonitor, parse_abort
from driver.scenarios.probe_schedule import WINDOW_FILE, probe_windows
from driver.scenarios.workload import generate
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name
from wire.control import TaskSpec
from wire.events import ProcessStopping
from wire.settings import CoordinatorSettings

START_IN_NS = 100_000_000
_log = logging.getLogger("stormlab.run")


class RunWork:
    """Does the work of a request on a lab that it starts as `spec` says, and keeps it in `folder`."""

    def __init__(
        self, request: Request, engine: Engine, folder: Path, spec: LabSpec, terminal: Terminal
    ) -> None:
        self._request = request
        self._folder = folder
        self._plan = request.plan
        self._engine = engine
        self._spec = spec
        self._terminal = terminal
        self._journal = DriverJournal(folder / JOURNALS)
        self._workers = [worker_name(index) for index in range(1, request.plan.workers + 1)]
        self._lab: Lab | None = None
        self._faults: FaultRunner | None = None
        self._ready = False
        self._machine = MachineMonitor(self._journal.write)
        self._healed = False

    async def do(self) -> LabError | None:
        """Everything up to the drain. The error when the lab broke, None when the history can tell."""
        try:
            await stoppable(self._work(), self._on_stop)
        except InterruptedCommandError:
            self._terminal.info("Stopped: healing, keeping what was collected, and taking down.")
        except RunAbortedError as error:
            self._journal.write(Aborted, because=error.sentence)
            self._terminal.warn(f"Ended early, as the scenario asks: {error.sentence}")
        except LabError as error:
            busy = self._machine.busy()
            if busy and isinstance(error, NotReadyError | CoordinatorError | LinksError):
                # What came too late for the lab on such a machine is neither its fault nor the system's.
                self._trouble("machine_busy", f"{busy}. {error.sentence}")
                return None
            self._journal.write(LabTrouble, what="run_broken", detail=error.sentence)
            if not self._ready or isinstance(error, EngineGoneError):
                return error
            self._terminal.warn(error.sentence)
        except Exception as error:
            self._journal.write(LabTrouble, what="bug", detail=f"{type(error).__name__}: {error}")
            _log.debug("the run broke", exc_info=True)
            return LabError(
                f"The lab itself has a bug: {type(error).__name__}: {error}.", "--log-level DEBUG tells more."
            )
        return None

    async def leave(self) -> None:
        """Heal what was not healed, and collect; no signal stops this."""
        try:
            if self._lab is not None and not self._healed:
                await self._heal(self._lab)
            async with phase(self._journal.write, "collect"):
                self._terminal.show(ProgressView("collecting logs and journals"))
                await collect(self._engine, self._folder, self._journal.write)
            if self._faults is not None:
                await asyncio.to_thread(write_receipts, self._folder, self._journal.write)
        except (LabError, OSError) as error:
            # A disk that is full is one: what can be kept is kept, and the lab is taken down.
            self._journal.write(LabTrouble, what="not_collected", detail=str(error))
            self._terminal.warn(str(error))
        finally:
            self._journal.write(ProcessStopping, reason="the run is over")
            self._journal.close()

    async def _work(self) -> None:
        async with background(self._machine.watch()):
            await self._phases()

    async def _phases(self) -> None:
        write = self._journal.write
        write(
            RunStarted,
            run=self._folder.name,
            scenario=self._plan.scenario,
            seed=self._plan.seed,
            workers=self._workers,
            duration_s=self._plan.duration_s,
        )
        count = self._plan.workers
        async with phase(write, "up"):
            lab = self._lab = await start_core(self._engine, self._spec, self._terminal)
        async with phase(write, "ready"):
            await start_workers(lab, count, self._terminal, self._request.prober)
        self._ready = True
        renewer = LeaseRenewer(lab.links, links_for(lab, count), self._trouble)
        monitor = ContainerMonitor(self._engine, self._journal)
        faults = self._faults = FaultRunner(
            self._request.make_actuator(lab, renewer),
            monitor,
            self._journal,
            self._plan.faults,
            self._notice_s(),
        )
        monitor.may_end = faults.may_end
        async with lab.coordinator() as coordinator:
            abort = AbortMonitor([parse_abort(text) for text in self._plan.abort_when], count)
            watcher = Watcher(coordinator, self._workers, self._terminal, faults.active_names, abort)
            zero_ns = time.monotonic_ns() + START_IN_NS
            load = Load(
                coordinator, write, self._tasks(zero_ns), self._plan.duration_s + self._plan.converge_s
            )
            async with background(
                renewer.run(),
                monitor.run(),
                sample(self._engine, write),
                watcher.watch(),
                load.run(zero_ns),
            ):
                await self._hurt(watcher, faults, zero_ns)
                await self._settle(lab, watcher, load)
            write(LastState, state=await coordinator.state_json())
            await self._note_links(lab, "end")

    def _tasks(self, zero_ns: int) -> Iterator[tuple[float, TaskSpec]]:
        plan = self._plan
        if plan.workload is None:
            return iter(())
        return generate(plan.workload, plan.seed, plan.duration_s, zero_ns)

    async def _hurt(self, watcher: Watcher, faults: FaultRunner, zero_ns: int) -> None:
        """First a steady state, then the faults, until the load's last task is due."""
        end_ns = zero_ns + round(self._plan.duration_s * 1e9)
        watcher.ends_at_ns = end_ns
        watcher.phase = "reaching a steady state"
        async with phase(self._journal.write, "gate", zero_ns):
            due_ns = zero_ns + round(self._plan.warmup_s * 1e9)
            late_s = await gate(watcher, due_ns, self._plan.workload is not None)
        watcher.phase, watcher.may_abort = "running", True
        faults_zero_ns = zero_ns + round(late_s * 1e9)
        async with phase(self._journal.write, "timeline", faults_zero_ns):
            self._tell_prober(faults_zero_ns)
            await faults.run(faults_zero_ns)
            await asyncio.sleep(max(0.0, (end_ns - time.monotonic_ns()) / 1e9))
        watcher.may_abort = False

    async def _settle(self, lab: Lab, watcher: Watcher, load: Load) -> None:
        write = self._journal.write
        await self._heal(lab)
        watcher.ends_at_ns = None
        watcher.phase = "waiting until all are back"
        async with phase(write, "converge") as ending:
            await converge(watcher, self._plan.converge_s, ending)
        watcher.phase = "waiting until all work is done"
        async with phase(write, "drain") as ending:
            await drain(watcher, load, self._plan.converge_s, ending)

    async def _heal(self, lab: Lab) -> None:
        """End what is left of the faults, and look that nothing is left."""
        await self._note_links(lab, "before_heal")
        async with phase(self._journal.write, "heal"):
            healing = await heal(lab, links_for(lab, self._plan.workers))
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
                ending.outcome, ending.detail = "failed", f"still hurt: {', '.join(healing.left)}"

    def _tell_prober(self, zero_ns: int) -> None:
        """Name the times at which it must look closer; it reads the file wherever the journals are ours."""
        folder = self._folder / JOURNALS / PROBER
        folder.mkdir(exist_ok=True)
        write_file(folder / WINDOW_FILE, write_windows(probe_windows(self._plan, zero_ns)))

    async def _note_links(self, lab: Lab, moment: str) -> None:
        """Note Toxiproxy's links beside the plan's; what does not answer is for the check to tell."""
        try:
            found = await asyncio.to_thread(lab.links.states)
        except LinksError as error:
            _log.debug("links at %s: %s", moment, error)
            return
        planned = links_for(lab, self._plan.workers)
        self._journal.write(
            LinksSeen,
            moment=moment,
            planned=[ProxyLink(one.name, one.listen, one.upstream) for one in planned],
            found=[
                ProxyLink(one.name, one.listen, one.upstream, one.enabled, [*one.faults, *one.toxics])
                for one in found
            ],
        )

    def _notice_s(self) -> float:
        """How long a silence may last before one of the two ends calls the connection dead."""
        return CoordinatorSettings(**self._plan.coordinator).heartbeat_timeout_ms / 1000

    def _trouble(self, what: str, detail: str) -> None:
        self._journal.write(LabTrouble, what=what, detail=detail)
        self._terminal.warn(f"trouble in the lab: {detail}")

    def _on_stop(self, count: int) -> None:
        self._engine.interrupt()
        if count > 1:
            self._terminal.info("Still healing and taking down; a moment.")
