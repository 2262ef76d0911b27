"""Links of a system, through the Toxiproxy of each of its doors, under the system's own names."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from driver.errors import LinksError
from driver.labs.toxiproxy_api import AnchorState, FaultedLink, FaultState, HealResult, Link, LinkState
from driver.systems.door_api import DoorApi
from driver.systems.door_network import SUBNET_BITS
from driver.systems.doors import DoorPair, Peer
from driver.systems.replicas import Replica, peers
from driver.systems.system import OUTSIDE

AHEAD_NS = 100_000_000
"""A fault on several doors begins at least this much after it is sent to them: all begin it at one instant,
rather late than one after the other.
"""
MOST_KEPT = 1000
"""Faults whose doors and names are remembered."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Map:
    """Where the links of a system are: server and Toxiproxy's link by name, and back."""

    ends: Mapping[str, tuple[str, Peer]]
    names: Mapping[tuple[str, str], str] = field(init=False)

    def __post_init__(self) -> None:
        names = {(server, peer.link): name for name, (server, peer) in self.ends.items()}
        object.__setattr__(self, "names", names)

    def name(self, server: str, raw: str) -> str:
        """Return a link's name in the system: one for all clients outside, Toxiproxy's for a stranger."""
        pair = raw.rpartition("@")[0]
        return self.names.get((server, raw), pair if _is_outside(pair) else raw)


@dataclass(frozen=True)
class _Begun:
    """A fault that was begun here: its links in each door, and their names."""

    doors: Mapping[str, Sequence[str]]
    map: _Map


class SystemLinks:
    """Implements `fault_lab.LinkControl` on the doors of a system that is up, for any thread.

    `pairs` are those of each door by its name. `doors` and `replicas` return what runs now: a door that was
    restarted has another port, and a replica may have another address.
    """

    def __init__(
        self,
        pairs: Mapping[str, Sequence[DoorPair]],
        doors: Callable[[], Mapping[str, DoorApi]],
        replicas: Callable[[], Sequence[Replica]],
    ) -> None:
        self._pairs = pairs
        self._doors = doors
        self._replicas = replicas
        self._begun: dict[str, _Begun] = {}
        self._known: set[str] = set()

    def wanted(self) -> list[Link]:
        """Return every link of the system that is to exist: those of replicas that have an address."""
        specs = {pair.name: pair for pairs in self._pairs.values() for pair in pairs}
        return [
            Link(name, specs[peer.pair].listen, specs[peer.pair].upstream)
            for name, (_, peer) in self._map().ends.items()
        ]

    def ends(self) -> Mapping[str, tuple[str, Peer]]:
        """Return the door, by its name, and the client's end of every link that is to exist, by link."""
        return self._map().ends

    def is_up(self) -> bool:
        doors = self._doors()
        return all(server in doors and doors[server].is_up() for server in self._pairs)

    def count(self) -> int:
        """Return the number of links; those of a replica that does not run now count, as none is missing."""
        names = self._map().names
        found = self._each(lambda server, door: [(server, one.name) for one in door.states()])
        missing = names.keys() - {one for ones in found.values() for one in ones}
        return len(self._known) - len(missing)

    def clock_ns(self) -> int:
        if not self._pairs:
            raise LinksError("The system has no door.")
        # The doors are on one host, and so is its clock.
        return next(iter(self._all_doors().values())).clock_ns()

    def create(self, links: Sequence[Link]) -> None:
        ends = self._map().ends
        wanted = {link.name: ends[link.name] for link in links if link.name in ends}
        self._each(
            lambda server, door: door.ensure(
                {name: peer for name, (at, peer) in wanted.items() if at == server}
            )
        )

    def states(self) -> list[LinkState]:
        by_door = self._each(lambda _, door: door.states())
        names = self._map()
        listens = {pair.name: pair.listen for pairs in self._pairs.values() for pair in pairs}
        found = [
            msgspec.structs.replace(
                state,
                name=names.name(server, state.name),
                # A replica's part of a pair has no listener of its own.
                listen=listens.get(state.name.rpartition("@")[0], state.listen),
            )
            for server, states in by_door.items()
            for state in states
        ]
        return sorted(_merged_states(found), key=lambda one: one.name)

    def enabled_names(self) -> set[str]:
        return {link.name for link in self.states() if link.enabled}

    # -- faults --------------------------------------------------------------------------------------------

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        """As LinkControl says. Where one door refuses, the fault is ended on the others."""
        if not fault["links"]:
            raise LinksError(f"Expected the links that {fault['id']} hits; found none.")
        names, fault_id = self._map(), str(fault["id"])
        doors = self._split(fault["links"], names)
        if "when" in fault:
            fault = {**fault, "when": self._own_anchor(fault["when"], doors, names)}
        if len(doors) > 1:
            now_ns = self.clock_ns()
            begin_ns = max(fault.get("begin_at_mono_ns", 0), now_ns + AHEAD_NS)
            fault, lead_s = {**fault, "begin_at_mono_ns": begin_ns}, (begin_ns - now_ns) / 1e9
        # Known before it begins: where this is interrupted, its end reaches every door.
        self._remember(fault_id, _Begun(doors, names))
        try:
            states = self._each(
                lambda server, door: door.begin_fault({**fault, "links": doors[server]}, lead_s), doors
            )
        except LinksError:
            self._end_where_it_began(fault_id, doors)
            raise
        return _merged(states, names)

    def _own_anchor(
        self, when: dict[str, Any], doors: Mapping[str, Sequence[str]], names: _Map
    ) -> dict[str, Any]:
        """Return an anchor with the door's names of its links. Raises LinksError for another door's."""
        counting = self._split(when["links"], names)
        if counting.keys() != doors.keys() or len(counting) != 1:
            raise LinksError(
                f"The doors of {', '.join(counting)} count, and those of {', '.join(doors)} are to begin it.",
                "One door alone does both.",
            )
        ((_, links),) = counting.items()
        return {**when, "links": links}

    def wait_fault(self, fault_id: str, within_s: float) -> FaultState:
        begun = self._where(fault_id)
        return _merged(
            self._each(lambda _, door: door.wait_fault(fault_id, within_s), begun.doors), begun.map
        )

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        begun = self._where(fault_id)
        states = self._each(lambda _, door: door.renew_lease(fault_id, lease_ms), begun.doors)
        return _merged(states, begun.map)

    def end_fault(self, fault_id: str) -> FaultState:
        begun = self._where(fault_id)
        return _merged(self._each(lambda _, door: door.end_fault(fault_id), begun.doors), begun.map)

    def faults(self) -> list[FaultState]:
        by_door = self._each(lambda _, door: door.faults())
        parts: dict[str, dict[str, FaultState]] = {}
        for server, states in by_door.items():
            for state in states:
                parts.setdefault(state.id, {})[server] = state
        names = self._map()
        return [_merged(one, names) for one in parts.values()]

    def heal(self) -> HealResult:
        names = self._map()
        results = self._each(lambda _, door: door.heal())
        enabled = [names.name(server, raw) for server, one in results.items() for raw in one.enabled]
        stuck = [names.name(server, raw) for server, one in results.items() for raw in one.stuck]
        ended = {fault for one in results.values() for fault in one.faults}
        return HealResult(sorted(ended), sum(one.toxics for one in results.values()), enabled, stuck)

    # -- doors ---------------------------------------------------------------------------------------------

    def _map(self) -> _Map:
        replicas = self._replicas()
        ends: dict[str, tuple[str, Peer]] = {}
        for server, pairs in self._pairs.items():
            found = peers((pair.name for pair in pairs), replicas)
            ends |= {name: (server, peer) for name, peer in found.items()}
            ends |= {
                pair.name: (server, Peer(pair.name, _gateway(pair.listen)))
                for pair in pairs
                if _is_outside(pair.name)
            }
        self._known |= ends.keys()
        return _Map(ends)

    def _split(self, links: Iterable[str], names: _Map) -> dict[str, list[str]]:
        """Return the links in each door by its name; all of them exist from now on.

        Raises LinksError for a link that is not there.
        """
        wanted: dict[str, dict[str, Peer]] = {}
        for name in links:
            if name not in names.ends:
                raise LinksError(f"There is no link {name} now.", "Does its container run? See `status`.")
            server, peer = names.ends[name]
            wanted.setdefault(server, {})[name] = peer
        return self._each(lambda server, door: _raw_links(door, wanted[server]), wanted)

    def _remember(self, fault_id: str, begun: _Begun) -> None:
        if len(self._begun) >= MOST_KEPT:
            del self._begun[next(iter(self._begun))]
        self._begun[fault_id] = begun

    def _where(self, fault_id: str) -> _Begun:
        """Return where a fault is; one that another process began is looked for in every door."""
        if fault_id in self._begun:
            return self._begun[fault_id]
        by_door = self._each(lambda _, door: door.faults())
        doors = {
            server: [link.link for link in state.links]
            for server, states in by_door.items()
            for state in states
            if state.id == fault_id
        }
        if not doors:
            raise LinksError(f"No door has a fault {fault_id}.")
        return _Begun(doors, self._map())

    def _end_where_it_began(self, fault_id: str, servers: Iterable[str]) -> None:
        """End a fault on the doors that have it; a door that refuses ends it when its lease expires."""
        for server, door in self._all_doors().items():
            if server in servers:
                try:
                    door.end_fault(fault_id)
                except LinksError:
                    continue

    def _all_doors(self) -> Mapping[str, DoorApi]:
        """Return every door. Raises LinksError for one that does not run."""
        doors = self._doors()
        for server in self._pairs:
            if server not in doors:
                raise LinksError(
                    f"The door of {server} does not run.", "Start the system again: down, then up"
                )
        return doors

    def _each(self, call: Callable[[str, DoorApi], T], servers: Iterable[str] | None = None) -> dict[str, T]:
        """Return the answer of each door by its name; all are called at once.

        Raises the first door's LinksError once all calls have ended.
        """
        doors = self._all_doors()
        asked = {server: doors[server] for server in (self._pairs if servers is None else servers)}

        def named(server: str, door: DoorApi) -> T:
            try:
                return call(server, door)
            except LinksError as error:
                raise LinksError(f"The door of {server}: {error.sentence}", error.hint) from None

        with ThreadPoolExecutor(max(1, len(asked))) as pool:
            running = {server: pool.submit(named, server, door) for server, door in asked.items()}
        return {server: one.result() for server, one in running.items()}


def _is_outside(name: str) -> bool:
    return name.startswith(f"{OUTSIDE}->")


def _raw_links(door: DoorApi, peers_by_name: Mapping[str, Peer]) -> list[str]:
    """Make links in a door, and return the door's names of them: of what is outside, every client's."""
    door.ensure(peers_by_name)
    outside = tuple(f"{name}@" for name in peers_by_name if _is_outside(name))
    found = {peer.link for peer in peers_by_name.values()}
    if outside:
        found |= {one.name for one in door.states() if one.name.startswith(outside)}
    return sorted(found)


def _gateway(listen: str) -> str:
    """Return this host's address, as a door sees it that listens for connections from outside."""
    address = listen.rpartition(":")[0]
    return str(ipaddress.ip_network(f"{address}/{SUBNET_BITS}", strict=False)[1])


def _merged(states: Mapping[str, FaultState], names: _Map) -> FaultState:
    """Return one state of a fault that several doors have, with the system's names of its links."""
    parts = list(states.values())
    links = _merged_links(
        msgspec.structs.replace(link, link=names.name(server, link.link))
        for server, state in states.items()
        for link in state.links
    )
    first = parts[0]
    because = next((one.ended_because for one in parts if one.ended_because not in ("", "deleted")), "")
    return FaultState(
        id=first.id,
        state="on" if any(one.state == "on" for one in parts) else first.state,
        links=links,
        action=first.action,
        lease_left_ms=min(one.lease_left_ms for one in parts),
        began_at_mono_ns=min(one.began_at_mono_ns for one in parts),
        ended_at_mono_ns=max(one.ended_at_mono_ns for one in parts),
        ended_because=because or first.ended_because,
        anchor=_named_anchor(states, names),
    )


def _named_anchor(states: Mapping[str, FaultState], names: _Map) -> AnchorState | None:
    """Return the anchor of a fault, which is at one door, with the system's names of its links."""
    for server, state in states.items():
        if (anchor := state.anchor) is not None:
            links = [names.name(server, raw) for raw in anchor.links]
            struck = anchor.struck
            if struck is not None:
                struck = msgspec.structs.replace(struck, link=names.name(server, struck.link))
            return AnchorState(list(dict.fromkeys(links)), anchor.armed_at_mono_ns, struck)
    return None


def _merged_links(links: Iterable[FaultedLink]) -> list[FaultedLink]:
    """Return one part of a fault for each name: that of clients outside is of several links."""
    found: dict[str, FaultedLink] = {}
    for one in links:
        other = found.get(one.link)
        if other is not None:
            one = msgspec.structs.replace(
                one,
                began_at_mono_ns=min(one.began_at_mono_ns, other.began_at_mono_ns),
                ended_at_mono_ns=max(one.ended_at_mono_ns, other.ended_at_mono_ns),
                connections_hit=one.connections_hit + other.connections_hit,
                present=one.present and other.present,
                toxics=[*other.toxics, *one.toxics],
            )
        found[one.link] = one
    return [found[name] for name in sorted(found)]


def _merged_states(states: Iterable[LinkState]) -> list[LinkState]:
    """Return one state for each name: that of clients outside is of several links."""
    found: dict[str, LinkState] = {}
    for one in states:
        other = found.get(one.name)
        if other is not None:
            one = msgspec.structs.replace(
                one,
                enabled=one.enabled and other.enabled,
                connections=one.connections + other.connections,
                accepted=one.accepted + other.accepted,
                bytes_upstream=one.bytes_upstream + other.bytes_upstream,
                bytes_downstream=one.bytes_downstream + other.bytes_downstream,
                toxics=sorted({*other.toxics, *one.toxics}),
                faults=sorted({*other.faults, *one.faults}),
                stuck=one.stuck or other.stuck,
            )
        found[one.name] = one
    return list(found.values())
