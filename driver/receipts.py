"""Receipts: whether each fault was really there, on exactly the targets that it was aimed at, and over in the
end. Pure.

The driver says what it did and when (`Act`); the prober, the other journals and the engine say what was to be
seen.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.evidence import ContainerSeen, LinkSeen, Observation, Window
from chaos.fault import ContainerFault, Fault, LinkFault
from chaos.hands import names
from chaos.proof import disturbance, silence_through
from chaos.targets import CORE
from driver.history import COORDINATOR, History
from driver.link_sights import LinkRecord, link_records
from wire.events import Lost, ProcessStarted, ProcessStopping, WorkerLost

_S = 1_000_000_000
INSTANT_NS = 2 * _S
BEFORE_NS = 10 * _S
AFTER_NS = 10 * _S
# What a fault leaves behind (a reconnecting prober, held bytes) is not how a link is when nothing is wrong.
SETTLE_NS = 1 * _S
RESTART_NS = 20 * _S
PROBER = "prober"


@dataclass(frozen=True)
class Act:
    """One fault as the driver did it.

    `began_ns` and `ended_ns` are target → instant as Toxiproxy or the engine had it; `called_ns` and
    `end_called_ns` are when the driver asked for it (`end_called_ns` None where it is over in an instant).
    `counters` and `connections_hit` are Toxiproxy's own, by link.
    """

    fault_id: str
    fault: Fault
    targets: tuple[str, ...]
    planned_ns: int
    called_ns: int
    began_ns: Mapping[str, int]
    ended_ns: Mapping[str, int] = field(default_factory=dict)
    end_called_ns: int | None = None
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    connections_hit: Mapping[str, int] = field(default_factory=dict)

    @property
    def first_ns(self) -> int:
        """When its first target was hit."""
        return min(self.began_ns.values(), default=self.called_ns)

    @property
    def last_ns(self) -> int:
        """When its last target was healed, or, of an instant fault, when its effect has been seen."""
        if not self.fault.lasting:
            return max(self.began_ns.values(), default=self.called_ns) + INSTANT_NS
        return max(self.ended_ns.values(), default=max(self.began_ns.values(), default=self.called_ns))


@dataclass(frozen=True)
class Sight:
    """How a container stood at one instant while a fault was on it, told by the engine."""

    container: str
    at_ns: int
    status: str
    plugged: bool = True
    cpus: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Proof:
    """One fault's receipt, with the fields of driver.events.Receipt."""

    fault: str
    kind: str
    proved: bool
    because: str
    hit: list[str]
    missed: list[str]
    spared: list[str]
    strayed: list[str]
    observers: list[str]
    began_ns: int
    ended_ns: int
    asked: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)


def prove(
    acts: Sequence[Act], history: History, links: Sequence[str], sights: Iterable[Sight] = ()
) -> list[Proof]:
    """A receipt for every act, in their order. `links` are all links that the prober watches."""
    records = link_records(history)
    by_container: dict[str, list[Sight]] = {}
    for sight in sights:
        by_container.setdefault(sight.container, []).append(sight)
    proofs = []
    for act in acts:
        if isinstance(act.fault, LinkFault):
            proofs.append(_prove_links(act, acts, records, links))
        elif isinstance(act.fault, ContainerFault):
            proofs.append(_prove_containers(act, act.fault, history, records, by_container))
    return proofs


# -- links -----------------------------------------------


def _prove_links(
    act: Act, acts: Sequence[Act], records: Mapping[str, LinkRecord], links: Sequence[str]
) -> Proof:
    fault = act.fault
    assert isinstance(fault, LinkFault)
    told = {
        link: fault.observed(_seen(act, acts, records, link)) for link in act.targets if link in act.began_ns
    }
    hit = [link for link, observation in told.items() if observation.seen]
    missed = [link for link in act.targets if link not in hit]
    spared, strayed = [], []
    for link in links:
        if link in act.targets or _under_another(act, acts, link):
            continue
        seen = _seen(act, acts, records, link)
        touched = (
            disturbance(seen.during) if seen.during.lives or seen.during.ends else "nothing was heard of it"
        )
        if fault.observed(seen).seen or touched:
            strayed.append(link)
        else:
            spared.append(link)
    lingering = [] if not fault.lasting else [
        link for link in hit if not _seen(act, acts, records, link).after.lives
    ]  # fmt: skip
    because = _because(act, told, missed, strayed, lingering, spared, bool(records))
    asked, measured = _magnitudes(act, [observation for observation in told.values() if observation.seen])
    return Proof(
        fault=act.fault_id,
        kind=fault.name,
        proved=bool(hit) and not (missed or strayed or lingering),
        because=because,
        hit=hit,
        missed=missed,
        spared=spared,
        strayed=strayed,
        observers=[PROBER] if records else [],
        began_ns=act.first_ns,
        ended_ns=act.last_ns if fault.lasting else act.first_ns,
        asked=asked,
        measured=measured,
    )


def _seen(act: Act, acts: Sequence[Act], records: Mapping[str, LinkRecord], link: str) -> LinkSeen:
    record = records.get(link, LinkRecord())
    began_ns = act.began_ns.get(link, act.first_ns)
    ended_ns = act.ended_ns.get(link, act.last_ns) if act.fault.lasting else began_ns + INSTANT_NS
    others = [other for other in acts if other is not act and (link in other.targets or _reaches_all(other))]
    quiet_ns = max((other.last_ns + SETTLE_NS for other in others if other.last_ns <= began_ns), default=0)
    busy_ns = min(
        (other.first_ns for other in others if other.first_ns >= ended_ns), default=ended_ns + AFTER_NS
    )
    next_ns = min(
        (other.first_ns for other in others if other.first_ns > began_ns), default=began_ns + INSTANT_NS
    )
    if not act.fault.lasting:
        ended_ns = min(ended_ns, max(next_ns, began_ns + INSTANT_NS // 4))
    before_ns = max(quiet_ns, began_ns - BEFORE_NS)
    return LinkSeen(
        link=link,
        before=record.window(min(before_ns, began_ns), began_ns),
        during=record.window(began_ns, ended_ns),
        after=record.window(ended_ns, max(ended_ns, min(busy_ns, ended_ns + AFTER_NS))),
        counters=act.counters.get(link, {}),
        connections_hit=act.connections_hit.get(link, 0),
    )


def _reaches_all(act: Act) -> bool:
    """Whether every link feels it: what happens to the coordinator or to Toxiproxy itself."""
    return any(target in CORE for target in act.targets)


def _under_another(act: Act, acts: Sequence[Act], link: str) -> bool:
    return any(
        other is not act
        and (link in other.targets or _reaches_all(other))
        and other.first_ns < act.last_ns
        and act.first_ns < other.last_ns + SETTLE_NS
        and (isinstance(other.fault, LinkFault) or _reaches_all(other))
        for other in acts
    )


def _because(
    act: Act,
    told: Mapping[str, Observation],
    missed: Sequence[str],
    strayed: Sequence[str],
    lingering: Sequence[str],
    spared: Sequence[str],
    probed: bool,
) -> str:
    if not probed:
        return "the prober saw nothing at all: its journal is empty or not there"
    if missed:
        why = told[missed[0]].because if missed[0] in told else "it was never put on"
        return f"not seen on {names(missed)}: {missed[0]}: {why}"
    if strayed:
        return f"{names(strayed)} should have been spared"
    if lingering:
        return f"nobody saw it end on {names(lingering)}"
    first = told[act.targets[0]].because if act.targets else "it hit nobody"
    rest = f"; {len(spared)} links were spared" if spared else ""
    return f"seen on {names(act.targets)}: {act.targets[0]}: {first}{rest}"


def _magnitudes(act: Act, seen: Sequence[Observation]) -> tuple[dict[str, float], dict[str, float]]:
    asked = {"start_spread_ms": 0.0, "start_error_ms": 0.0}
    starts = list(act.began_ns.values())
    measured = {
        "start_spread_ms": (max(starts) - min(starts)) / 1e6 if starts else 0.0,
        "start_error_ms": (act.first_ns - act.planned_ns) / 1e6,
    }
    for quantity in dict.fromkeys(one.quantity for one in seen if one.quantity):
        sizes = [one for one in seen if one.quantity == quantity]
        if wanted := [one.asked for one in sizes if one.asked is not None]:
            asked[quantity] = statistics.fmean(wanted)
        if found := [one.measured for one in sizes if one.measured is not None]:
            measured[quantity] = statistics.fmean(found)
    return asked, measured


# -- containers ------------------------------------------


def _prove_containers(
    act: Act,
    fault: ContainerFault,
    history: History,
    records: Mapping[str, LinkRecord],
    sights: Mapping[str, Sequence[Sight]],
) -> Proof:
    told = {
        name: fault.observed(_container_seen(act, name, history, records, sights.get(name, ())))
        for name in act.targets
        if name in act.began_ns
    }
    hit = [name for name, observation in told.items() if observation.seen]
    missed = [name for name in act.targets if name not in hit]
    because = _because(act, told, missed, (), (), (), probed=True)
    asked, measured = _magnitudes(act, [observation for observation in told.values() if observation.seen])
    observers = [PROBER] if _reaches_all(act) and records else []
    return Proof(
        fault=act.fault_id,
        kind=fault.name,
        proved=bool(hit) and not missed,
        because=because,
        hit=hit,
        missed=missed,
        spared=[],
        strayed=[],
        observers=[*observers, "engine", *(name for name in hit if history.by(name))],
        began_ns=act.first_ns,
        ended_ns=act.last_ns if fault.lasting else act.first_ns,
        asked=asked,
        measured=measured,
    )


def _container_seen(
    act: Act, name: str, history: History, records: Mapping[str, LinkRecord], sights: Sequence[Sight]
) -> ContainerSeen:
    from_ns = act.began_ns[name]
    until_ns = act.end_called_ns if act.end_called_ns is not None else from_ns + RESTART_NS
    during = [sight for sight in sights if act.called_ns <= sight.at_ns <= until_ns]
    lines = [event for event in history.by(name) if event.at_ns >= act.called_ns]
    windows = [record.window(from_ns, until_ns) for record in records.values()] if name in CORE else []
    return ContainerSeen(
        container=name,
        called_ns=act.called_ns,
        from_ns=from_ns,
        until_ns=until_ns,
        states=frozenset(sight.status for sight in during),
        networks=frozenset(sight.plugged for sight in during),
        cpus=next((sight.cpus for sight in during if sight.cpus is not None), None),
        memory_bytes=next((sight.memory_bytes for sight in during if sight.memory_bytes is not None), None),
        lines_ns=tuple(event.at_ns for event in lines),
        starts_ns=tuple(event.at_ns for event in lines if isinstance(event, ProcessStarted)),
        stopped_in_order=any(
            isinstance(event, ProcessStopping) and event.at_ns <= until_ns for event in lines
        ),
        probed_links=len(windows),
        silent_links=sum(1 for window in windows if _gone(window)),
        noticed=_noticed(name, act.called_ns, until_ns + 5 * _S, history),
    )


def _gone(window: Window) -> bool:
    return bool(window.ends) or silence_through(window) is not None


def _noticed(name: str, from_ns: int, until_ns: int, history: History) -> bool:
    if name == COORDINATOR:
        return any(from_ns <= event.at_ns <= until_ns for event in history.of(Lost))
    return any(
        event.worker == name and from_ns <= event.at_ns <= until_ns for event in history.of(WorkerLost)
    )
