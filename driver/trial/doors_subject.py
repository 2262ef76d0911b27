"""A system on real containers behind doors, as the subject of a trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from driver.engines.compose_clients import in_parallel
from driver.engines.engine import Say
from driver.errors import EngineError
from driver.histories.link_connections import LinkConnection
from driver.histories.link_names import pair_of
from driver.scenarios.plan import PlannedFault
from driver.systems import sockets
from driver.systems.lab_of_system import StartedSystem
from driver.systems.replicas import PublishedAddress
from driver.systems.running_system import RunningSystem
from driver.systems.system_kinds import SystemLabControl
from driver.systems.system_looks import SystemLooks
from driver.systems.system_request import SystemRequest
from driver.systems.system_site import SystemSite
from driver.trial.container_looks import container_look
from driver.trial.picture import joined
from driver.trial.programme import NothingToHitError, TrialStep
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample, is_hit
from driver.trial.step_faults import FaultRecords, StepFaults
from driver.trial.trial_records import DialledConnection, FaultProof, TrialRecords

LOOK_AT_CONTAINERS_EVERY_S = 0.5
MOST_LOG_LINES = 1_000
"""Of one container for one step."""
GRACE_S = 3.0
"""How long a container may take to stop when it is restarted."""


class TrafficSource(Protocol):
    """What sends traffic to a system from outside."""

    def send_to(self, published: Sequence[PublishedAddress]) -> None:
        """Begin to send to these addresses."""

    def end(self) -> None:
        """End it."""

    def counters(self) -> RequestCounters | None:
        """Return how many requests were answered; None where they are not counted."""


class DoorsSubject:
    """Implements `conductor.TrialSubject` for a system that is up; `running` returns it after each start."""

    def __init__(
        self,
        lab: SystemLabControl,
        running: Callable[[], RunningSystem],
        looks: SystemLooks,
        request: SystemRequest,
        started: StartedSystem,
        traffic: TrafficSource | None,
        say: Say,
    ) -> None:
        self._lab = lab
        self._running = running
        self._looks = looks
        self._request = request
        self._traffic = traffic
        self._say = say
        self._begun: dict[str, str] = {}
        self._ended: list[FaultRecords] = []
        self._logs_since: dict[str, float] = {}
        self._attach(started)

    def _attach(self, started: StartedSystem) -> None:
        """Take over a system that has just started."""
        self._system = self._running()
        if self._system.prober is not None:
            # The command has made the images before.
            self._system.prober.observe(lambda: None)
        self._faults = StepFaults(SystemSite(self._system))
        self._kept = False
        self._ends: dict[tuple[str, str], str] = {}
        self._ids: dict[str, str] = {}
        self._details: dict[str, Mapping[str, Any]] = {}
        self._containers: Mapping[str, ContainerLook] = {}
        self._looked_s = 0.0
        if self._traffic is not None:
            self._traffic.send_to(started.published)

    def close(self) -> None:
        """End the fault that is on, and the traffic."""
        self._faults.close()
        if self._traffic is not None:
            self._traffic.end()

    # -- looking -------------------------------------------------------------------------------------------

    def look(self) -> SystemSample:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_AT_CONTAINERS_EVERY_S or not self._containers:
            self._looked_s = now_s
            self._containers = self._look_at_containers()
        links: dict[str, FlowCounters] = {}
        for state in self._system.links.states():
            name = self._link_name(state.name)
            one = FlowCounters(
                state.connections, state.accepted, state.bytes_upstream, state.bytes_downstream
            )
            links[name] = _sum(links[name], one) if name in links else one
        counters = self._traffic.counters() if self._traffic is not None else None
        return SystemSample(time.monotonic(), links, self._containers, counters)

    def _look_at_containers(self) -> dict[str, ContainerLook]:
        found = {}
        for one in self._lab.containers().replicas:
            details = self._looks.details(one)
            if details is None:
                continue
            self._ids[one.name] = one.id
            self._details[one.name] = details
            if one.address:
                self._ends[(one.service, one.address)] = one.name
            found[one.name] = container_look(one, details)
        return found

    def _link_name(self, name: str) -> str:
        """Return the name of a link. That of a container without an address has its name at the door,
        `api->db:5432@10.236.0.3`, and keeps the one that it had.
        """
        pair, at, address = name.rpartition("@")
        if not at:
            return name
        client, _, server = pair.partition("->")
        return f"{self._ends.get((client, address), client)}->{server}"

    def log_lines(self) -> dict[str, list[str]]:
        names = list(self._ids)
        return dict(zip(names, in_parallel(self._new_lines, names), strict=True))

    def _new_lines(self, name: str) -> list[str]:
        """Return what a container printed since it was last asked; nothing where its log cannot be read."""
        since_s = self._logs_since.get(name)
        self._logs_since[name] = time.time()
        try:
            return self._looks.last_lines(self._ids[name], since_s, MOST_LOG_LINES)
        except EngineError:
            return []

    def half_closed(self) -> dict[str, frozenset[str]]:
        self._look_at_containers()
        tables = {name: self._looks.socket_table(details) for name, details in self._details.items()}
        return {name: sockets.half_closed(table) for name, table in tables.items()}

    # -- faults --------------------------------------------------------------------------------------------

    def begin(self, step: TrialStep) -> None:
        links = [one.name for one in self._system.links.wanted() if pair_of(one.name) == step.target]
        hit = links if step.hits_links else [name for name in self._ids if is_hit(name, step.target)]
        if not hit:
            raise NothingToHitError(f"no {'client of ' if step.hits_links else ''}{step.target} runs")
        self._begun[f"try-{len(self._begun) + 1}"] = step.name
        self._faults.begin(self._planned(step, hit))
        self._looked_s = 0.0

    def _planned(self, step: TrialStep, hit: Sequence[str]) -> PlannedFault:
        return PlannedFault(
            id=f"try-{len(self._begun)}",
            entry=step.name,
            fault=step.kind.fault,
            params=dict(step.params),
            targets=tuple(hit),
            at_s=0.0,
            for_s=step.kind.for_s if step.kind.lasting else None,
            seed=len(self._begun),
        )

    def end(self, step: TrialStep) -> None:
        self._faults.end()
        self._faults.follow()
        self._looked_s = 0.0

    def connections_hit(self) -> int:
        return self._faults.connections_hit

    def busy(self, since_s: float) -> str:
        return self._faults.busy(since_s)

    def records(self) -> TrialRecords:
        every = self._ended if self._kept else [*self._ended, self._faults.records()]
        connections: dict[str, list[DialledConnection]] = {}
        for records in every:
            for link, found in records.connections.items():
                connections.setdefault(link, []).extend(map(_dialled, found))
        return TrialRecords(
            {
                self._begun[proof.fault]: FaultProof(proof.proved, proof.because)
                for records in every
                for proof in records.proofs
                if proof.fault in self._begun
            },
            connections,
            sorted({name for records in every for name in records.incomplete}),
            joined(records.lanes for records in every),
            {
                self._begun[fault]: window
                for records in every
                for fault, window in records.windows.items()
                if fault in self._begun
            },
        )

    def restart(self, containers: Sequence[str]) -> None:
        in_parallel(lambda name: self._system.engine.restart(name, GRACE_S), containers)
        self._faults.follow()
        self._looked_s = 0.0

    def start_again(self) -> None:
        # The journals go with the system: read once, also where the fresh start fails.
        if not self._kept:
            self._ended.append(self._faults.records())
            self._kept = True
        self.close()
        self._lab.down()
        self._attach(self._lab.up(self._request, self._say))


def _dialled(one: LinkConnection) -> DialledConnection:
    return DialledConnection(one.asked_ns / 1e9, one.client_ended_ns / 1e9, one.server_ended_ns / 1e9)


def _sum(one: FlowCounters, other: FlowCounters) -> FlowCounters:
    return FlowCounters(
        one.connections + other.connections,
        one.accepted + other.accepted,
        one.to_server_bytes + other.to_server_bytes,
        one.to_client_bytes + other.to_client_bytes,
    )
