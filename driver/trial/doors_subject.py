"""A system on real containers behind doors, as the subject of a trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from chaos import catalogue
from chaos.actuator import Injection
from chaos.fault import LinkFault
from driver.engines.compose_workers import in_parallel
from driver.engines.docker_sdk import DockerSdk
from driver.errors import LinksError
from driver.labs.lab_actuator import fault_body
from driver.labs.toxiproxy_api import FaultState
from driver.nouns import counted
from driver.subprocesses import ask
from driver.systems.lab_of_system import Say, StartedSystem, SystemLab, SystemRequest
from driver.systems.replicas import PublishedAddress, Replica
from driver.systems.running_system import RunningSystem
from driver.trial import sockets
from driver.trial.findings import FaultProof
from driver.trial.programme import TrialStep
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample, pair_of
from driver.trial.socket_tables import socket_table

LEASE_MS = 10_000
LOOK_AT_CONTAINERS_EVERY_S = 0.5
CALL_TIMEOUT_S = 30.0
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
        lab: SystemLab,
        running: Callable[[], RunningSystem],
        sdk: DockerSdk,
        request: SystemRequest,
        started: StartedSystem,
        traffic: TrafficSource | None,
        say: Say,
    ) -> None:
        self._lab = lab
        self._running = running
        self._sdk = sdk
        self._request = request
        self._traffic = traffic
        self._say = say
        self._state: FaultState | None = None
        self._faults = 0
        self._logs_since: dict[str, float] = {}
        self._attach(started)

    def _attach(self, started: StartedSystem) -> None:
        """Take over a system that has just started."""
        self._system = self._running()
        self._ends: dict[tuple[str, str], str] = {}
        self._ids: dict[str, str] = {}
        self._pids: dict[str, int] = {}
        self._containers: Mapping[str, ContainerLook] = {}
        self._looked_s = 0.0
        if self._traffic is not None:
            self._traffic.send_to(started.published)

    def close(self) -> None:
        """End the traffic."""
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
            details = self._sdk.inspect_id(one.id)
            if details is None:
                continue
            self._ids[one.name] = one.id
            self._pids[one.name] = int(details["State"].get("Pid") or 0)
            if one.address:
                self._ends[(one.service, one.address)] = one.name
            found[one.name] = _container_look(one, details)
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
        found = {}
        for name, container in self._ids.items():
            since = self._logs_since.get(name)
            self._logs_since[name] = time.time()
            words = [] if since is None else ["--since", f"{since:.6f}"]
            answer = ask(["docker", "logs", "--tail", str(MOST_LOG_LINES), *words, container], CALL_TIMEOUT_S)
            found[name] = answer.text.splitlines()[-MOST_LOG_LINES:] if answer.ok else []
        return found

    def half_closed(self) -> dict[str, int]:
        self._look_at_containers()
        tables = {name: socket_table(self._pids.get(name, 0), one) for name, one in self._ids.items()}
        return {name: sockets.half_closed(table) for name, table in tables.items()}

    # -- faults --------------------------------------------------------------------------------------------

    def begin(self, step: TrialStep) -> None:
        self._state = None
        self._faults += 1
        engine, name = self._system.engine, step.target
        match step.kind.fault:
            case "pause":
                engine.pause(name)
            case "kill":
                engine.kill(name)
            case "restart":
                engine.restart(name, GRACE_S)
            case _:
                self._begin_on_links(step)
        self._looked_s = 0.0

    def _begin_on_links(self, step: TrialStep) -> None:
        fault = catalogue.make(step.kind.fault, step.params)
        assert isinstance(fault, LinkFault)
        links = [one.name for one in self._system.links.wanted() if pair_of(one.name) == step.target]
        injection = Injection(self._fault_id, tuple(links), self._faults, LEASE_MS)
        self._state = self._system.links.begin_fault(fault_body(injection, fault.effect()))

    @property
    def _fault_id(self) -> str:
        return f"try-{self._faults}"

    def renew(self) -> None:
        if self._state is not None:
            self._system.links.renew_lease(self._fault_id, LEASE_MS)

    def end(self, step: TrialStep) -> FaultProof:
        if step.hits_links:
            return self._end_on_links()
        if step.kind.fault == "pause":
            self._system.engine.unpause(step.target)
        elif step.kind.fault == "kill":
            self._system.engine.start(step.target)
        self._looked_s = 0.0
        return FaultProof(True, f"the engine reports {step.kind.fault} of {step.target}")

    def _end_on_links(self) -> FaultProof:
        begun, self._state = self._state, None
        if begun is None:
            return FaultProof(False, "it did not begin")
        try:
            ended = self._system.links.end_fault(begun.id)
        except LinksError as error:
            return FaultProof(False, error.sentence)
        if ended.ended_because != "deleted":
            return FaultProof(False, f"it ended by itself ({ended.ended_because})")
        if absent := [one.link for one in ended.links if not one.present]:
            return FaultProof(False, f"another client removed it from {absent[0]}")
        hit = sum(one.connections_hit for one in ended.links)
        links = counted(len(ended.links), "link")
        return FaultProof(True, f"the door reports {counted(hit, 'live connection')} hit on {links}")

    def restart(self, containers: Sequence[str]) -> None:
        in_parallel(lambda name: self._system.engine.restart(name, GRACE_S), containers)
        self._looked_s = 0.0

    def start_again(self) -> None:
        self.close()
        self._lab.down()
        self._attach(self._lab.up(self._request, self._say))


def _container_look(one: Replica, details: Mapping[str, Any]) -> ContainerLook:
    return ContainerLook(
        service=one.service,
        state=one.state,
        health=one.health,
        exit_code=one.exit_code,
        restarts=int(details["RestartCount"]),
        life=str(details["State"].get("StartedAt", "")),
        restart_policy=str((details["HostConfig"].get("RestartPolicy") or {}).get("Name", "")),
    )


def _sum(one: FlowCounters, other: FlowCounters) -> FlowCounters:
    return FlowCounters(
        one.connections + other.connections,
        one.accepted + other.accepted,
        one.to_server_bytes + other.to_server_bytes,
        one.to_client_bytes + other.to_client_bytes,
    )
