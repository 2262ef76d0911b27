"""A foreign system behind doors as the subject of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from chaos.evidence import ContainerEffect
from driver.errors import UsageError
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.journals import JOURNALS
from driver.interrupts import to_completion
from driver.labs.take_down import RemovedLab
from driver.labs.toxiproxy_api import Link
from driver.results.run_folder import RecordedSystem
from driver.runs.run_subject import RunActivity, RunContext, RunFacts
from driver.runs.system_activity import system_activity
from driver.scenarios.plan import Plan, PlannedSystem
from driver.systems.prepared_system import PreparedSystem
from driver.systems.running_system import SystemControl
from driver.systems.system_kinds import SystemLabControl, kind_of
from driver.systems.system_request import SystemRequest, project_of
from driver.systems.system_site import SystemSite
from driver.terminal import ProgressView, Terminal

NOTICE_S = 4.0
"""A client that nothing is known of may lose a connection that is silent for this long."""

P = ParamSpec("P")
T = TypeVar("T")


def planned_system(prepared: PreparedSystem) -> PlannedSystem:
    """Return a system as a plan has it."""
    request = prepared.request
    return PlannedSystem(
        name=prepared.system.name,
        files=tuple(str(file.resolve()) for file in request.files),
        profiles=request.profiles,
        ports={name: tuple(sorted(ports)) for name, ports in sorted(request.ports.items())},
        egress=tuple(sorted(request.egress)),
        bypass=tuple(sorted(request.bypass)),
        services=prepared.services,
        links=prepared.links,
    )


def request_of(system: PlannedSystem) -> SystemRequest:
    """Return how the system of a plan is started: it publishes its ports on free ones of this machine."""
    return SystemRequest(
        tuple(map(Path, system.files)),
        system.profiles,
        frozenset(system.bypass),
        frozenset(system.egress),
        {name: frozenset(ports) for name, ports in system.ports.items()},
        publish=False,
    )


@dataclass
class SharedStart:
    """One start of a system for several runs: its lab, and once they are there its facts and its site.

    `journals` is where its processes write; None: not fixed yet.
    """

    lab: SystemLabControl
    prepared: PreparedSystem | None = None
    facts: RunFacts | None = None
    site: SystemSite | None = None
    journals: Path | None = None


class SystemSubject:
    """Implements `run_subject.RunSubject` for one plan; the caller holds the lab's lock.

    `folder` has one folder for each system. The lab's own images are there. `start`: that of another subject.
    """

    def __init__(
        self, plan: Plan, folder: Path, terminal: Terminal, start: SharedStart | None = None
    ) -> None:
        assert plan.system is not None, "the plan has a foreign system"
        self._plan = plan
        self._system = plan.system
        self._request = request_of(plan.system)
        self._project = project_of(self._request.files[0])
        self._kind = kind_of(self._request.files[0])
        self._folder = folder
        self._terminal = terminal
        self._start = start or SharedStart(self._kind.lab(self._project, folder, None))

    @property
    def clients(self) -> Sequence[str]:
        return ()

    @property
    def notice_s(self) -> float:
        return NOTICE_S

    async def prepare(self) -> RunFacts:
        """Build and pull images. Raises UsageError where the file is not as it was planned."""
        if self._start.facts is None:
            self._start.facts = await self._prepare()
        return self._start.facts

    async def _prepare(self) -> RunFacts:
        lab = self._start.lab
        lab.refuse_far()
        self._terminal.show(ProgressView("preparing the system"))
        prepared = await self._call(lab.prepare, self._request, self._terminal.info)
        self._start.prepared = prepared
        if (prepared.services, prepared.links) != (self._system.services, self._system.links):
            raise UsageError(
                f"{self._request.files[0]} has other services or links than the plan.",
                "Run the scenario again.",
            )
        return RunFacts(
            versions=await asyncio.to_thread(lab.versions),
            images=await asyncio.to_thread(lab.image_ids, prepared),
            processes=[*prepared.processes, *self._own_processes],
            system=RecordedSystem(
                self._system.name,
                list(self._system.files),
                dict(self._system.services),
                list(self._system.links),
                prepared.notes,
            ),
        )

    @property
    def _own_processes(self) -> list[str]:
        """The journals that the driver writes beside its own."""
        sections = {LOAD: self._system.workload, OBSERVER: self._system.observe}
        return [name for name, section in sections.items() if section]

    async def up(self, folder: Path) -> None:
        start = self._start
        if start.site is not None:
            return
        assert start.prepared is not None, "the system is prepared"
        start.journals = start.journals or folder / JOURNALS
        start.lab = self._kind.lab(self._project, self._folder, start.journals)
        self._terminal.show(ProgressView("starting the system"))
        await self._call(start.lab.start_prepared, start.prepared, self._terminal.info)
        named = str(self._request.files[0])
        own = self._folder / self._project
        running = await asyncio.to_thread(self._kind.running, self._project, own, named)
        start.site = SystemSite(running)

    async def ready(self) -> None:
        await self.lab.ensure_prober(self._terminal)

    @property
    def engine(self) -> SystemControl | None:
        return None if self._start.site is None else self._start.site.running.engine

    @property
    def lab(self) -> SystemSite:
        assert self._start.site is not None, "the system is up"
        return self._start.site

    def links(self) -> list[Link]:
        return self.lab.wanted()

    def ended_by_faults(self) -> Collection[str]:
        ended = {
            target
            for planned in self._plan.faults
            if ContainerEffect.ended in planned.build().changes
            for target in planned.targets
        }
        return {*self.lab.ended_by_faults(), *ended}

    def probe(self, zero_ns: int) -> None:
        self.lab.request_probe_rate(self._plan.faults, zero_ns)

    @asynccontextmanager
    async def activity(self, context: RunContext) -> AsyncIterator[RunActivity]:
        async with system_activity(self._plan, self.lab, context, self._terminal) as activity:
            yield activity

    def fetch_journals(self, into: Path) -> list[str]:
        """Return none: processes write their journals into the run's folder."""
        return []

    @property
    def logs_since_s(self) -> float | None:
        return None

    async def take_down(self) -> RemovedLab:
        self._terminal.show(ProgressView("taking the system down"))
        return RemovedLab(await asyncio.to_thread(self._start.lab.down), [])

    async def keep(self) -> None:
        """Start the system again, for commands by hand. Raises LabError."""
        self._terminal.info("Leaving a fresh start of the system up.")
        lab = self._kind.lab(self._project, self._folder, None)
        await asyncio.to_thread(lab.up, self._request, self._terminal.info)

    def interrupt(self) -> None:
        self._start.lab.interrupt()
        site = self._start.site
        if site is not None and site.running.prober is not None:
            site.running.prober.interrupt()

    async def _call(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run a long call of the lab in a thread; a cancellation ends it first."""
        called = asyncio.to_thread(call, *args, **named)
        return await to_completion(called, on_cancel=self._start.lab.interrupt)
