"""An engine, links and a journal that live in memory, and remember what they were asked."""

from __future__ import annotations

import queue
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chaos.abilities import Ability
from driver.engines.engine import (
    Abilities,
    Container,
    ContainerState,
    EngineEvent,
    LabSpec,
    Limits,
    ResourceReading,
    Say,
)
from driver.errors import EngineError, LinksError
from driver.labs.toxiproxy_api import FaultState, HealResult, Link, LinkState
from driver.reference.labs.links import Links

ABLE = Abilities("fake", dict.fromkeys(Ability, "a fake"))
SPEC = LabSpec("00" * 32, "127.0.0.1", 18_474, 18_475)


class FakeEvents:
    """A stream to which a test adds events; None ends it as an engine that is gone does."""

    def __init__(self) -> None:
        self.queue: queue.Queue[EngineEvent | None] = queue.Queue()

    def __iter__(self) -> Iterator[EngineEvent]:
        while (event := self.queue.get(timeout=30)) is not None:
            yield event

    def close(self) -> None:
        self.queue.put(None)


@dataclass
class FakeEngine:
    """Containers by name, each with what hurts it. What is in `refuses` cannot be done."""

    statuses: dict[str, str] = field(default_factory=dict)
    hurt: dict[str, list[str]] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    project: str = "fake"
    is_local: bool = True
    stream: FakeEvents = field(default_factory=FakeEvents)

    abilities: Abilities = ABLE

    def own_listing(self) -> str:
        return "fake list"

    def containers(self) -> list[Container]:
        return [
            Container(name, name.partition("-")[0], f"id-{name}", "image", status, "healthy")
            for name, status in self.statuses.items()
        ]

    def inspect(self, name: str) -> ContainerState:
        running = self.statuses[name] == "running"
        plugged = "unplugged" not in self.hurt.get(name, [])
        return ContainerState(self.statuses[name], -1 if running else 1, False, plugged, None, 1 << 27)

    def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
        return {name: self.inspect(name) for name in self.statuses}

    def frozen(self) -> dict[str, bool]:
        return {name: status == "paused" for name, status in self.statuses.items()}

    def events(self, since_ns: int | None = None) -> FakeEvents:
        self.asked.append("events")
        self.stream = FakeEvents()
        return self.stream

    def degradations(self) -> dict[str, list[str]]:
        return {name: list(what) for name, what in self.hurt.items() if what}

    def log(self, name: str, tail: int | None = None) -> str:
        return f"2026-11-24T00:00:00Z {name} said something\n"

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        yield self.log(name).encode()

    def pause(self, name: str) -> None:
        self._do("pause", name, hurts="paused")

    def unpause(self, name: str) -> None:
        self._do("unpause", name, mends="paused")

    def kill(self, name: str) -> None:
        self._do("kill", name, hurts="exited")

    def start(self, name: str) -> None:
        self._do("start", name, mends="exited")

    def stop(self, name: str, grace_s: float) -> None:
        self._do("stop", name, hurts="exited")

    def restart(self, name: str, grace_s: float) -> None:
        self._do("restart", name)

    def unplug(self, name: str) -> None:
        self._do("unplug", name, hurts="unplugged")

    def plug(self, name: str) -> None:
        self._do("plug", name, mends="unplugged")

    def limit(self, name: str, limits: Limits) -> None:
        self._do("limit", name, hurts="limited")

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        self._do("unlimit", name, mends="limited")

    def server_address(self, spec: LabSpec) -> str:
        return "10.231.0.2:8765"

    def link_listen_host(self, spec: LabSpec) -> str:
        return "[::]"

    def versions(self) -> dict[str, str]:
        return {}

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        return {}

    def existing_spec(self) -> LabSpec | None:
        return SPEC

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        return spec

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        self.asked.append(f"up {' '.join(services)}")

    def create_clients(self, spec: LabSpec, workers: int, also: Sequence[str] = ()) -> None:
        self.asked.append(f"make {workers}")

    def usage(self) -> list[ResourceReading]:
        return [ResourceReading(name, 20 << 20, 1.5) for name in self.statuses]

    def follow_log(self, name: str, tail: int) -> Iterator[str]:
        return iter(())

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        self.asked.append("stop_all")

    def fetch_journals(self, into: Path) -> list[str]:
        self.asked.append("fetch_journals")
        return []

    def down(self) -> list[str]:
        self.asked.append("down")
        return []

    def interrupt(self) -> None:
        self.asked.append("interrupt")

    def _do(self, what: str, name: str, hurts: str = "", mends: str = "") -> None:
        self.asked.append(f"{what} {name}")
        if what in self.refuses:
            raise EngineError(f"{what} {name} was refused.")
        if hurts:
            self.hurt.setdefault(name, []).append(hurts)
        if mends and mends in self.hurt.get(name, []):
            self.hurt[name].remove(mends)


@dataclass
class FakeLinks(Links):
    """Links by name, each with the faults on it. While `silent`, nothing answers; `stuck` links remain so."""

    faults_on: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    gone_faults: set[str] = field(default_factory=set)
    misses: int = 0
    tries: int = 0
    stuck: set[str] = field(default_factory=set)

    def is_up(self) -> bool:
        return not self.silent

    def count(self) -> int:
        self.tries += 1
        self._answer("count")
        return len(self.faults_on)

    def create(self, links: Sequence[Link], remove_others: bool = False) -> None:
        self._answer(f"put {len(links)}")
        for link in links:
            self.faults_on.setdefault(link.name, [])

    def states(self) -> list[LinkState]:
        self._answer("all")
        return [
            LinkState(name, "[::]:1", "c:1", True, 1, 1, 0, 0, [], on, name in self.stuck)
            for name, on in self.faults_on.items()
        ]

    def enabled_names(self) -> set[str]:
        self._answer("enabled")
        return set(self.faults_on)

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        self._answer(f"renew {fault_id}")
        if fault_id in self.gone_faults:
            raise LinksError(f"Toxiproxy refused: {fault_id} has ended")
        return FaultState(fault_id, "on", [])

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        self._answer(f"begin {fault['id']}")
        links = [{"link": name, "began_at_mono_ns": 1_000, "connections_hit": 1} for name in fault["links"]]
        return msgspec.convert({"id": fault["id"], "state": "on", "links": links}, FaultState)

    def wait_fault(self, fault_id: str, within_s: float) -> FaultState:
        """Answer that an anchor was reached after `misses` waits in vain."""
        self._answer(f"wait {fault_id}")
        self.misses -= 1
        struck = {
            "link": "worker-1", "stream": "upstream", "bytes": 40, "frame": 3, "opened": 2, "connection": 0,
            "exact": True, "at_mono_ns": 1_500,
        }  # fmt: skip
        anchor = {
            "links": ["worker-1"],
            "armed_at_mono_ns": 900,
            "struck": struck if self.misses < 0 else None,
        }
        links = [{"link": "worker-1", "began_at_mono_ns": 1_600}]
        state = "on" if self.misses < 0 else "armed"
        return msgspec.convert({"id": fault_id, "state": state, "links": links, "anchor": anchor}, FaultState)

    def end_fault(self, fault_id: str) -> FaultState:
        self._answer(f"end {fault_id}")
        toxics = [
            {
                "name": f"t{number}",
                "type": "delay",
                "stream": "upstream",
                "counters": {"delayed_chunks": number},
            }
            for number in (1, 2)
        ]
        link = {"link": "worker-1", "ended_at_mono_ns": 2_000, "connections_hit": 3, "toxics": toxics}
        return msgspec.convert({"id": fault_id, "state": "ended", "links": [link]}, FaultState)

    def heal(self) -> HealResult:
        self._answer("heal")
        self.faults_on = {name: [] for name in self.faults_on}
        return HealResult([], 0, [], [])

    def _answer(self, what: str) -> None:
        if self.silent:
            raise LinksError("Toxiproxy does not answer.")
        self.asked.append(what)


def events_in(folder: Path) -> list[dict[str, Any]]:
    """Read the driver's journal."""
    path = folder / "driver.jsonl"
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []
