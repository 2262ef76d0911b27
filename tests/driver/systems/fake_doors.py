"""Doors and replicas that live in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from driver.errors import LinksError
from driver.labs.toxiproxy_api import AnchorState, FaultState, HealResult, LinkState, StruckState
from driver.systems.door_api import DoorApi
from driver.systems.doors import DoorPair, Peer
from driver.systems.replicas import Replica
from driver.systems.system_links import SystemLinks

PAIRS = {
    "db": (
        DoorPair("api->db:5432", "10.236.1.9:5432", "10.236.0.2:5432"),
        DoorPair("web->db:5432", "10.236.5.9:5432", "10.236.0.2:5432"),
    ),
    "web": (DoorPair("outside->web:80", "10.236.10.9:80", "10.236.4.2:80"),),
    "cache": (DoorPair("api->cache:6379", "10.236.1.8:6379", "10.236.20.2:6379"),),
}
GATEWAY = "10.236.8.1"


def replica(service: str, number: int, address: str) -> Replica:
    return Replica(service, number, f"{service}{number}", "running", "", None, address)


REPLICAS = [
    replica("api", 1, "10.236.1.2"),
    replica("api", 2, "10.236.1.3"),
    replica("web", 1, "10.236.4.2"),
    replica("db", 1, "10.236.0.2"),
    replica("cache", 1, "10.236.20.2"),
]


class FakeDoor(DoorApi):
    """One door: its links by name with the faults on them. What is in `refuses` raises LinksError."""

    def __init__(self, clock_ns: int = 1_000) -> None:
        self.on: dict[str, list[str]] = {}
        self.faulted: dict[str, FaultState] = {}
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.refuses: set[str] = set()
        self._clock_ns = clock_ns

    def is_up(self) -> bool:
        return "is_up" not in self.refuses

    def clock_ns(self) -> int:
        return self._clock_ns

    def ensure(self, peers: Mapping[str, Peer]) -> None:
        self._do("ensure")
        for peer in peers.values():
            self.on.setdefault(peer.link, [])

    def states(self) -> list[LinkState]:
        self._do("states")
        return [LinkState(raw, "127.0.0.1:1", "u", True, 1, 2, 3, 4, [], on) for raw, on in self.on.items()]

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        self._do("begin")
        self.bodies.append(fault)
        began_ns = fault.get("begin_at_mono_ns", self._clock_ns)
        links = [{"link": raw, "began_at_mono_ns": began_ns, "connections_hit": 1} for raw in fault["links"]]
        state = {"id": fault["id"], "state": "on", "links": links, "began_at_mono_ns": began_ns}
        self.faulted[fault["id"]] = msgspec.convert({**state, "lease_left_ms": 5_000}, FaultState)
        for raw in fault["links"]:
            self.on[raw].append(fault["id"])
        return self.faulted[fault["id"]]

    def wait_fault(self, fault_id: str, within_s: float) -> FaultState:
        """Answer that the first link of an anchor has reached it."""
        self._do("wait")
        links = self.bodies[-1]["when"]["links"]
        struck = StruckState(links[0], "upstream", 9, 0, 0, 4, True, 7_000)
        return msgspec.structs.replace(self.faulted[fault_id], anchor=AnchorState(links, 6_000, struck))

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        self._do("renew")
        if fault_id not in self.faulted:
            raise LinksError(f"{fault_id} has ended")
        return self.faulted[fault_id]

    def end_fault(self, fault_id: str) -> FaultState:
        self._do("end")
        if fault_id not in self.faulted:
            raise LinksError(f"there was no fault {fault_id}")
        for on in self.on.values():
            on[:] = [one for one in on if one != fault_id]
        state = self.faulted.pop(fault_id)
        return msgspec.structs.replace(state, state="ended", ended_because="deleted", ended_at_mono_ns=9_000)

    def faults(self) -> list[FaultState]:
        self._do("faults")
        return list(self.faulted.values())

    def heal(self) -> HealResult:
        self._do("heal")
        ended = list(self.faulted)
        self.faulted = {}
        self.on = {raw: [] for raw in self.on}
        return HealResult(ended, 0, [], [])

    def _do(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuses:
            raise LinksError(f"Toxiproxy refused {what}.")


def fake_links(
    doors: Mapping[str, FakeDoor] | None = None, replicas: Sequence[Replica] = REPLICAS
) -> tuple[SystemLinks, Mapping[str, FakeDoor]]:
    """The links of a system with three doors, all of which exist, and the doors."""
    found = doors if doors is not None else {server: FakeDoor() for server in PAIRS}
    links = SystemLinks(PAIRS, lambda: found, lambda: replicas)
    links.create(links.wanted())
    for door in found.values():
        door.asked.clear()
    return links, found
