"""A foreign system as its door's journal and its containers show it, without containers."""

from __future__ import annotations

from driver.dashboard.system_model import SystemLook, SystemModel
from driver.engines.engine import ResourceReading
from driver.labs.toxiproxy_api import LinkState
from driver.systems.replicas import Replica
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
