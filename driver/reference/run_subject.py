"""The reference system as the subject of a run: its core, its workers, its tasks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from chaos.prober.probe_rate import write_windows
from driver.engines.engine import HOST, PROBER, Engine, LabSpec, services
from driver.engines.many_hosts import ManyHosts
from driver.errors import UsageError
from driver.files import write_file
from driver.histories.events import LoadEndedEarly
from driver.histories.journals import JOURNALS
from driver.interrupts import to_completion
from driver.labs.take_down import RemovedLab, take_down
from driver.labs.toxiproxy_api import Link
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.labs.lab import Lab, links_for, new_spec
from driver.reference.labs.lifecycle import (
    LabSnapshot,
    call_engine,
    restart_lab,
    start_core,
    start_workers,
)
from driver.reference.load_events import LastState
from driver.reference.load_generator import LoadGenerator
from driver.reference.scenarios.live_signals import AbortMonitor, parse_signal_rule
from driver.reference.scenarios.probe_schedule import probe_windows, settings_json
from driver.reference.steady_state import StatePoller, wait_converged, wait_drained, wait_ready
from driver.reference.system import link_names, reference_system
from driver.reference.workload import generate
from driver.runs.load_end import LoadEnd
from driver.runs.phase import PhaseEnd
from driver.runs.run_subject import RunActivity, RunContext, RunFacts
from driver.scenarios.plan import Plan
from driver.scenarios.probe_schedule import WINDOW_FILE
from driver.terminal import Terminal
from wire.control import TaskSpec
from wire.settings import CoordinatorSettings


class ReferenceSubject:
    """Implements `run_subject.RunSubject` for one plan; the caller holds the lab's lock.

    A lab of the same project that is up is replaced. `host` and `port` are what the lab publishes, None for a
    free port. `prober`: start it.
    """

    def __init__(
        self, plan: Plan, engine: Engine, terminal: Terminal, host: str = HOST, port: int | None = None,
        *, prober: bool = True,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._engine = engine
        self._terminal = terminal
        self._prober = prober
        self._workers = link_names(reference_system(plan.clients))
        self._folder = Path()
        self._lab: Lab | None = None
        self._spec = replace(
            new_spec(host, port),
            server_json=json.dumps(plan.server_settings),
            client_json=json.dumps({"seed": plan.seed, **plan.client_settings}),
            placement=plan.placement,
        )

    @property
    def clients(self) -> Sequence[str]:
        return self._workers

    @property
    def notice_s(self) -> float:
        return CoordinatorSettings(**self._plan.server_settings).heartbeat_timeout_ms / 1000

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def lab(self) -> Lab:
        assert self._lab is not None, "the lab is up"
        return self._lab

    @property
    def spec(self) -> LabSpec:
        """The specification of the lab."""
        return self._spec

    async def prepare(self) -> RunFacts:
        """Reserve addresses and ensure images. A lab of the project that is up is taken down."""
        engine, terminal = self._engine, self._terminal
        if self._plan.placement and not isinstance(engine, ManyHosts):
            raise UsageError(
                f"The scenario places workers on hosts, and the engine {engine.abilities.engine} has one.",
                "Name the hosts with --hosts, or leave `placement:` out.",
            )
        self._spec = await asyncio.to_thread(engine.reserve_addresses, self._spec)
        images = await call_engine(engine, engine.ensure_images, services(self._prober), terminal.info)
        versions = await asyncio.to_thread(engine.versions)
        if await asyncio.to_thread(engine.containers):
            terminal.info(f"The lab {engine.project!r} is up; this run replaces its containers.")
            await to_completion(take_down(engine, terminal))
        return RunFacts(
            versions=versions,
            images=images,
            processes=["coordinator", *([PROBER] if self._prober else []), *self._workers],
            clients=self._workers,
            settings={"worker": self._plan.client_settings, "coordinator": self._plan.server_settings},
        )

    async def up(self, folder: Path) -> None:
        self._folder = folder
        self._spec = self._spec_with_journals(folder)
        self._lab = await start_core(self._engine, self._spec, self._terminal)

    def _spec_with_journals(self, folder: Path) -> LabSpec:
        prober_json = settings_json(self._plan, reads_windows=self._engine.is_local)
        journals = folder.resolve() / JOURNALS if self._engine.is_local else None
        return replace(self._spec, prober_json=prober_json, journals=journals)

    async def ready(self) -> None:
        await start_workers(self.lab, self._plan.clients, self._terminal, self._prober)

    def links(self) -> list[Link]:
        return links_for(self.lab, self._plan.clients)

    def ended_by_faults(self) -> None:
        """Return None: any."""

    def probe(self, zero_ns: int) -> None:
        """Write the times of a higher probe rate, which the prober of a local engine reads."""
        folder = self._folder / JOURNALS / PROBER
        folder.mkdir(exist_ok=True)
        write_file(folder / WINDOW_FILE, write_windows(probe_windows(self._plan, zero_ns)))

    @asynccontextmanager
    async def activity(self, context: RunContext) -> AsyncIterator[RunActivity]:
        async with self.lab.coordinator() as coordinator:
            abort = AbortMonitor(
                [parse_signal_rule(text) for text in self._plan.abort_when], self._plan.clients
            )
            poller = StatePoller(
                coordinator, self._workers, self._terminal, context.faults, abort, context.progress
            )
            # Journals that are elsewhere cannot be judged while they grow.
            end = LoadEnd(self._plan, self._folder, self._workers) if self._engine.is_local else None
            yield _Fleet(self._plan, coordinator, poller, context, end)

    def fetch_journals(self, into: Path) -> list[str]:
        return [] if self._engine.is_local else self._engine.fetch_journals(into)

    @property
    def logs_since_s(self) -> None:
        """Return None: all of them."""

    async def take_down(self) -> RemovedLab:
        return await take_down(self._engine, self._terminal)

    async def keep(self) -> None:
        await restart_lab(self._engine, LabSnapshot(self._spec, self._plan.clients), self._terminal)

    def interrupt(self) -> None:
        self._engine.interrupt()


class _Fleet:
    """Implements `run_subject.RunActivity`: tasks that are submitted, and the coordinator's state."""

    def __init__(
        self,
        plan: Plan,
        coordinator: CoordinatorClient,
        poller: StatePoller,
        context: RunContext,
        load_end: LoadEnd | None,
    ) -> None:
        self._plan = plan
        self._coordinator = coordinator
        self._poller = poller
        self._context = context
        self._load_end = load_end
        self._load = LoadGenerator(
            coordinator,
            context.journal.write,
            _tasks(plan, context.zero_ns),
            plan.duration_s + plan.converge_s,
        )

    def work(self) -> Sequence[Coroutine[object, object, None]]:
        return [self._poller.run(), self._load.run(self._context.zero_ns)]

    async def wait_ready(self, due_ns: int) -> float:
        return await wait_ready(self._poller, due_ns, self._plan.workload is not None)

    async def wait_load_over(self, measured_until_ns: int | None, end_ns: int) -> None:
        if measured_until_ns is not None and self._load_end is not None:
            is_answered = self._load.is_answered
            if await self._load_end.is_early(measured_until_ns, end_ns, is_answered):
                early_s = (end_ns - time.monotonic_ns()) / 1e9
                self._context.journal.write(LoadEndedEarly, early_s=early_s)
                self._load.end()
                return
        await asyncio.sleep(max(0.0, (end_ns - time.monotonic_ns()) / 1e9))

    async def wait_converged(self, within_s: float, end: PhaseEnd) -> None:
        await wait_converged(self._poller, within_s, end)

    async def wait_drained(self, within_s: float, end: PhaseEnd) -> None:
        await wait_drained(self._poller, self._load, within_s, end)

    async def finish(self) -> None:
        """Record the coordinator's last state."""
        self._context.journal.write(LastState, state=await self._coordinator.state_json())


def _tasks(plan: Plan, zero_ns: int) -> Iterator[tuple[float, TaskSpec]]:
    if plan.workload is None:
        return iter(())
    return generate(plan.workload, plan.seed, plan.duration_s, zero_ns)
