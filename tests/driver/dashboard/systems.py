"""A foreign system as its door's journal and its containers show it, without containers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from driver.dashboard.system_model import SystemLook, SystemModel
from driver.engines.engine import ResourceReading
from driver.labs.toxiproxy_api import Link, LinkState
from driver.systems.doors import Peer
from driver.systems.replicas import Replica
from driver.systems.running_system import RunningSystem
from driver.systems.system import System, SystemService
from driver.systems.system_file import SystemFile
from tests.driver.judge.door_journal import LINK, PROCESS, DoorPast
from tests.driver.judge.histories import ns


def counters(
    name: str = LINK, connections: int = 1, up: int = 0, down: int = 0, faults: tuple[str, ...] = ()
) -> LinkState:
    """A link as its door counts it."""
    return LinkState(name, "", "", True, connections, 1, up, down, [], list(faults))


def replica(name: str, *, state: str = "running", health: str = "", restarts: int = 0) -> Replica:
    """A container, the first of its service."""
    exit_code = 1 if state == "exited" else None
    return Replica(name, 1, name, state, health, exit_code, "10.0.0.2", restarts)


def look(
    at_s: float,
    *states: LinkState,
    containers: tuple[Replica, ...] = (),
    usage: tuple[ResourceReading, ...] = (),
) -> SystemLook:
    """A look at a time in seconds since the run's begin."""
    return SystemLook(ns(at_s), at_s, states, containers, usage)


def model_of(past: DoorPast, *looks: SystemLook) -> SystemModel:
    """The model of a system with this past, after some looks."""
    model = SystemModel({})
    for process in (PROCESS, "driver"):
        model.add(process, list(past.history([]).by(process)))
    for one in looks:
        model.look(one)
    return model


ALWAYS_NS = 1 << 62
"""Connections are kept although the journals of tests are of another day than this machine's clock."""

HOSTILE = "<img src=x onerror=alert(1)>\u202e"
"""What a service, or a fault of a journal, may be called in a page that escapes."""


class FakeDoors:
    """The links of a system without doors, of which one has a journal."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def states(self) -> list[LinkState]:
        return [counters(name) for name in self.names]

    def wanted(self) -> list[Link]:
        return [Link(name, "", "") for name in self.names]

    def ends(self) -> dict[str, tuple[str, Peer]]:
        return {}


class FakeContainers:
    """The containers of a system, as its engine lists them."""

    def __init__(self, replicas: list[Replica]) -> None:
        self._replicas = replicas

    def replicas(self) -> list[Replica]:
        return self._replicas

    def usage(self) -> list[ResourceReading]:
        return [ResourceReading(one.name, 20 << 20, 1.0) for one in self._replicas]


@dataclass
class FakeSystem:
    """A system that is up, as far as a page needs it. `journals` is a folder with its door's journal."""

    links: FakeDoors
    engine: FakeContainers
    file: SystemFile
    journals: Path
    compose_file: str = "/srv/shop/compose.yaml"
    prober: None = None


def system_of(
    journals: Path, names: list[str], services: tuple[SystemService, ...], replicas: list[Replica]
) -> RunningSystem:
    """Return a system of these links, services and containers."""
    file = SystemFile("doors-x", ["/srv/shop/compose.yaml"], System("shop", services, ()), [], {})
    found = FakeSystem(FakeDoors(names), FakeContainers(replicas), file, journals)
    return cast(RunningSystem, found)
