"""The phases of one run in the lab: up, ready, gate, timeline, heal, verify, converge, drain, collect."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.prober.probe_rate import write_windows
from driver.background import background
from driver.engines.engine import HOST, PROBER, Engine, LabSpec
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
from driver.interrupts import interruptible
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.fault_runner import FaultRunner, RunActuator
from driver.labs.heal import heal
from driver.labs.lab import Lab, links_for
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.labs.lifecycle import start_core, start_workers
from driver.labs.load_generator import LoadGenerator
from driver.labs.machine_monitor import MachineMonitor
from driver.runs.collect import collect, write_receipts
from driver.runs.phase import phase
from driver.runs.resource_sampler import sample_resources
from driver.runs.steady_state import StatePoller, wait_converged, wait_drained, wait_ready
from driver.scenarios.abort_when import AbortMonitor, parse_abort
from driver.scenarios.plan import Plan
from driver.scenarios.probe_schedule import WINDOW_FILE, probe_windows
from driver.scenarios.workload import generate
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name
from wire.control import TaskSpec
from wire.events import ProcessStopping
from wire.settings import CoordinatorSettings

START_IN_NS = 100_000_000
_log = logging.getLogger("stormlab.run")


@dataclass(frozen=True)
class RunRequest:
    """A plan, the folder of all runs, and the options of the lab.

    `host` and `port` are what the lab publishes, None for a free port. `prober`: start it. `keep`: leave a
    fresh lab up afterwards. `make_actuator` makes the actuator of the faults; tests replace it.
    """

    plan: Plan
    scenario_yaml: str
    results: Path
    argv: Sequence[str] = ()
    host: str = HOST
    port: int | None = None
    prober: bool = True
    keep: bool = False
    make_actuator: Callable[[Lab, LeaseRenewer], RunActuator] = LabActuator


class RunPhases:
    """Executes a request in a lab of the given `spec`; journals and logs go to `folder`."""

    def __init__(
        self, request: RunRequest, engine: Engine, folder: Path, spec: LabSpec, terminal: Terminal
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
            if busy and isinstance(error, NotReadyError | CoordinatorError | LinksError):
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
            if self._lab is not None and not self._healed:
                await self._heal(self._lab)
            async with phase(self._journal.write, "collect"):
                self._terminal.show(ProgressView("collecting logs and journals"))
                await collect(self._engine, self._folder, self._journal.write)
            if self._faults is not None:
                await asyncio.to_thread(write_receipts, self._folder, self._journal.write)
        except (LabError, OSError) as error:
            # A full disk is such an error: what can be kept is kept, and the lab is taken down.
            self._journal.write(LabTrouble, what="not_collected", detail=str(error))
            self._terminal.warn(str(error))
        finally:
            self._journal.write(ProcessStopping, reason="the run is over")
            self._journal.close()

    async def _run_monitored(self) -> None:
        async with background(self._machine.run()):
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
            poller = StatePoller(coordinator, self._workers, self._terminal, faults.active_names, abort)
            zero_ns = time.monotonic_ns() + START_IN_NS
            load = LoadGenerator(
                coordinator, write, self._tasks(zero_ns), self._plan.duration_s + self._plan.converge_s
            )
            async with background(
                renewer.run(),
                monitor.run(),
                sample_resources(self._engine, write),
                poller.run(),
                load.run(zero_ns),
            ):
                await self._inject(poller, faults, zero_ns)
                await self._recover(lab, poller, load)
            write(LastState, state=await coordinator.state_json())
            await self._record_links(lab, "end")

    def _tasks(self, zero_ns: int) -> Iterator[tuple[float, TaskSpec]]:
        plan = self._plan
        if plan.workload is None:
            return iter(())
        return generate(plan.workload, plan.seed, plan.duration_s, zero_ns)

    async def _inject(self, poller: StatePoller, faults: FaultRunner, zero_ns: int) -> None:
        """Wait for a steady state, then run the faults, until the last task of the load is due."""
        end_ns = zero_ns + round(self._plan.duration_s * 1e9)
        poller.ends_at_ns = end_ns
        poller.phase = "reaching a steady state"
        async with phase(self._journal.write, "gate", zero_ns):
            due_ns = zero_ns + round(self._plan.warmup_s * 1e9)
            late_s = await wait_ready(poller, due_ns, self._plan.workload is not None)
        poller.phase, poller.may_abort = "running", True
        faults_zero_ns = zero_ns + round(late_s * 1e9)
        async with phase(self._journal.write, "timeline", faults_zero_ns):
            self._write_probe_windows(faults_zero_ns)
            await faults.run(faults_zero_ns)
            await asyncio.sleep(max(0.0, (end_ns - time.monotonic_ns()) / 1e9))
        poller.may_abort = False

    async def _recover(self, lab: Lab, poller: StatePoller, load: LoadGenerator) -> None:
        write = self._journal.write
        await self._heal(lab)
        poller.ends_at_ns = None
        poller.phase = "waiting until all are back"
        async with phase(write, "converge") as ending:
            await wait_converged(poller, self._plan.converge_s, ending)
        poller.phase = "waiting until all work is done"
        async with phase(write, "drain") as ending:
            await wait_drained(poller, load, self._plan.converge_s, ending)

    async def _heal(self, lab: Lab) -> None:
        """End every fault, and verify that none is left."""
        await self._record_links(lab, "before_heal")
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
                ending.outcome, ending.detail = "failed", f"still degraded: {', '.join(healing.left)}"

    def _write_probe_windows(self, zero_ns: int) -> None:
        """Write the times of a higher probe rate, which the prober of a local engine reads."""
        folder = self._folder / JOURNALS / PROBER
        folder.mkdir(exist_ok=True)
        write_file(folder / WINDOW_FILE, write_windows(probe_windows(self._plan, zero_ns)))

    async def _record_links(self, lab: Lab, moment: str) -> None:
        """Record Toxiproxy's links and the planned ones; without an answer the check finds none recorded."""
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
        """Return after how many seconds of silence one of the two ends closes the connection."""
        return CoordinatorSettings(**self._plan.coordinator).heartbeat_timeout_ms / 1000

    def _trouble(self, what: str, detail: str) -> None:
        self._journal.write(LabTrouble, what=what, detail=detail)
        self._terminal.warn(f"trouble in the lab: {detail}")

    def _on_signal(self, count: int) -> None:
        self._engine.interrupt()
        if count > 1:
            self._terminal.info("Still healing and taking down; a moment.")
