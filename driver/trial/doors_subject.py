"""A system on real containers behind doors, as the subject of a trial."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chaos import catalogue
from chaos.directions import stream
from chaos.fault import LinkFault
from driver.engines.docker_sdk import DockerSdk
from driver.errors import LabError, LinksError
from driver.labs.toxiproxy_api import FaultState
from driver.subprocesses import ask
from driver.systems.door_api import DoorApi
from driver.systems.lab_of_system import Say, StartedSystem, SystemLab, SystemRequest
from driver.systems.replicas import PublishedAddress, Replica
from driver.systems.system import OUTSIDE
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
_GRACE_S = 3


class TrafficSource(Protocol):
    """What sends traffic to a system from outside."""

    def start(self, published: Sequence[PublishedAddress]) -> None:
        """Begin to send to these addresses."""

    def stop(self) -> None:
        """End it."""

    def counters(self) -> RequestCounters | None:
        """Return how many requests were answered; None where they are not counted."""


class DoorsSubject:
    """Implements `conductor.TrialSubject` for a system that is up."""

    def __init__(
        self,
        lab: SystemLab,
        sdk: DockerSdk,
        request: SystemRequest,
        started: StartedSystem,
        traffic: TrafficSource | None,
        say: Say,
    ) -> None:
        self._lab = lab
        self._sdk = sdk
        self._request = request
        self._traffic = traffic
        self._say = say
        self._fault: tuple[DoorApi, str] | None = None
        self._state: FaultState | None = None
        self._faults = 0
        self._logs_since: dict[str, float] = {}
        self._attach(started)

    def _attach(self, started: StartedSystem) -> None:
        """Take over a system that has just started."""
        self.started = started
        self._doors = self._lab.doors(self._lab.containers())
        self._ends: dict[tuple[str, str], str] = {}
        self._ids: dict[str, str] = {}
        self._pids: dict[str, int] = {}
        self._containers: Mapping[str, ContainerLook] = {}
        self._looked_s = 0.0
        if self._traffic is not None:
            self._traffic.start(started.published)

    def close(self) -> None:
        """End the traffic."""
        if self._traffic is not None:
            self._traffic.stop()

    # -- looking -------------------------------------------------------------------------------------------

    def look(self) -> SystemSample:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_AT_CONTAINERS_EVERY_S or not self._containers:
            self._looked_s = now_s
            self._containers = self._look_at_containers()
        links: dict[str, FlowCounters] = {}
        for door in self._doors.values():
            for state in door.states():
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
                # A container that has ended has no address; its links keep their name.
                self._ends[(one.service, one.address)] = one.name
            found[one.name] = _container_look(one, details)
        return found

    def _link_name(self, name: str) -> str:
        """Return the system's name of a door's link `api->db:5432@10.236.0.3`."""
        pair, _, address = name.rpartition("@")
        client, _, server = pair.partition("->")
        if client == OUTSIDE:
            return pair
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
        if step.hits_links:
            self._begin_on_links(step)
        elif step.kind.fault == "restart":
            self._docker("restart", "-t", str(_GRACE_S), self._ids[step.target])
        else:
            self._docker(step.kind.fault, self._ids[step.target])

    def _begin_on_links(self, step: TrialStep) -> None:
        door = self._doors[step.target.partition("->")[2].rpartition(":")[0]]
        peers = [
            one
            for name, one in self._lab.peers(door, self._lab.containers()).items()
            if pair_of(name) == step.target
        ]
        door.ensure(peers)
        fault = catalogue.make(step.kind.fault, step.params)
        assert isinstance(fault, LinkFault)
        effect = fault.effect()
        self._faults += 1
        self._fault = (door, f"try-{self._faults}")
        body = {
            "id": self._fault[1],
            "links": [one.link for one in peers],
            "lease_ms": LEASE_MS,
            "seed": self._faults,
            "action": effect.action.value,
            "toxics": [
                {"type": toxic.type, "stream": stream(toxic.direction), "attributes": dict(toxic.attributes)}
                for toxic in effect.toxics
            ],
        }
        self._state = door.begin_fault(body)

    def renew(self) -> None:
        if self._fault is not None:
            self._fault[0].renew_lease(self._fault[1], LEASE_MS)

    def end(self, step: TrialStep) -> FaultProof:
        if step.hits_links:
            return self._end_on_links()
        name = step.target
        if step.kind.fault == "pause":
            self._docker("unpause", self._ids[name])
        elif step.kind.fault == "kill":
            self._docker("start", self._ids[name])
        return FaultProof(True, f"the engine reports {step.kind.fault} of {name}")

    def _end_on_links(self) -> FaultProof:
        fault, self._fault = self._fault, None
        if fault is None or self._state is None:
            return FaultProof(False, "it did not begin")
        try:
            ended = fault[0].end_fault(fault[1])
        except LinksError as error:
            return FaultProof(False, error.sentence)
        if ended.ended_because != "deleted":
            return FaultProof(False, f"it ended by itself ({ended.ended_because})")
        if absent := [one.link for one in ended.links if not one.present]:
            return FaultProof(False, f"another client removed it from {absent[0]}")
        hit = sum(one.connections_hit for one in ended.links)
        return FaultProof(True, f"the door reports {hit} live connections hit on {len(ended.links)} links")

    def restart(self, containers: Sequence[str]) -> None:
        self._docker("restart", "-t", str(_GRACE_S), *(self._ids[one] for one in containers))

    def start_again(self) -> None:
        self.close()
        self._lab.down()
        self._attach(self._lab.up(self._request, self._say))

    def _docker(self, *words: str) -> None:
        answer = ask(["docker", *words], CALL_TIMEOUT_S)
        if not answer.ok:
            raise LabError(f"`docker {words[0]}` failed: {answer.text[-300:]}.")
        self._looked_s = 0.0


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
