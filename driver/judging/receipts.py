"""Receipts: whether each fault was there, on exactly the targets that it was aimed at, and over in the end.
Pure.

The driver says what it did and when (`Act`); witnesses say what was to be seen; the fault's own rule says
whether that was this very fault.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chaos.actuator import name_list
from chaos.delays import unexplained_slowness
from chaos.evidence import ContainerEvidence, LinkEvidence, Observation, OtherFault, Symptom
from chaos.evidence_checks import unexpected_change
from chaos.fault import ContainerFault, LinkFault
from driver.histories.history import History
from driver.judging.acts import Act, Sight
from driver.judging.container_sights import proved_ratio, sentence
from driver.judging.witnesses import GLANCE_NS, Witnesses

__all__ = ["Act", "Proof", "Sight", "prove"]
EARLY_END_S = 1.0
PROBER = "prober"
ENGINE = "engine"


@dataclass(frozen=True)
class Proof:
    """One fault's receipt, with the fields of driver.histories.events.Receipt."""

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
    witnesses = Witnesses(acts, history, sights)
    proofs = []
    for act in acts:
        if isinstance(act.fault, LinkFault):
            proofs.append(_prove_links(act, act.fault, witnesses, links))
        elif isinstance(act.fault, ContainerFault):
            proofs.append(_prove_containers(act, act.fault, witnesses))
    return proofs


def _prove_links(act: Act, fault: LinkFault, witnesses: Witnesses, links: Sequence[str]) -> Proof:
    seen = {link: witnesses.link(act, link) for link in act.targets if link in act.began_ns}
    told = {link: _told(fault, one) for link, one in seen.items()}
    hit = [link for link, observation in told.items() if observation.seen]
    spared: list[str] = []
    strayed: dict[str, str] = {}
    for link in links:
        if link not in act.targets and not witnesses.is_under_another(act, link):
            if trouble := _not_spared(act, fault, witnesses, link):
                strayed[link] = trouble
            else:
                spared.append(link)
    why_not = (
        "" if witnesses.has_prober else "the prober saw nothing at all: its journal is empty or not there"
    )
    if strayed and not why_not:
        first = next(iter(strayed))
        why_not = f"{name_list(list(strayed))} should have been spared: {first}: {strayed[first]}"
    why_not = why_not or _not_to_its_end(act, witnesses) or _not_seen_to_end(act, witnesses, seen, hit)
    observers = [PROBER] if witnesses.has_prober else []
    shares = [part.share for link in hit if (part := fault.coverage(seen[link])) is not None]
    return _proof(act, told, why_not, spared, list(strayed), observers, shares)


def _told(fault: LinkFault, seen: LinkEvidence) -> Observation:
    """What the fault's rule says of one link: that it was there, and that it held through its window."""
    observation = fault.observed(seen)
    held = fault.coverage(seen)
    gaps = held.trouble if held is not None else ""
    if observation.seen:
        return (
            replace(observation, seen=False, because=f"{gaps}; {observation.because}")
            if gaps
            else observation
        )
    # What was there for a part of its time shows why it is not seen in all of it.
    partly = f"{gaps}; " if gaps and held is not None and held.proved_ns else ""
    others = ", ".join(dict.fromkeys(f"{one.fault_id} ({one.name})" for one in _beside(seen)))
    more = f"; {others} was on that link at the same time" if others else ""
    return replace(observation, because=f"{partly}{observation.because}{more}")


def _beside(seen: LinkEvidence) -> tuple[OtherFault, ...]:
    return seen.beside(*Symptom)


def _not_to_its_end(act: Act, witnesses: Witnesses) -> str:
    """Why a fault did not last as planned, by Toxiproxy's own view and by what healing found; "" when it did.
    An effect that was taken away and put back is not this fault.
    """
    if act.absent:
        return f"Toxiproxy no longer had it on {name_list(act.absent)} when it ended: somebody took it away"
    early_s = ((act.end_planned_ns or 0) - min(act.ended_ns.values(), default=act.last_ns)) / 1e9
    if act.ended_because == "lease":
        return f"its lease ran out {max(0.0, early_s):.1f} s before its end: the driver did not renew it"
    if early_s > EARLY_END_S:
        return f"it ended {early_s:.1f} s before its end ({act.ended_because or 'nothing says why'})"
    if hurt := [link for link in act.targets if act.ended_ns and witnesses.still_hurt(act, link)]:
        return f"healing found {name_list(hurt)} still hurt after its end"
    return ""


def _not_seen_to_end(
    act: Act, witnesses: Witnesses, seen: Mapping[str, LinkEvidence], hit: Sequence[str]
) -> str:
    """Why its end is not proved; "" when it is. A link that the next fault met before a look could fall on
    it need not have been seen well between.
    """
    if not act.fault.lasting:
        return ""
    lingering = [
        link
        for link in hit
        if not seen[link].after.lives
        and not (
            (next_ns := witnesses.next_ns(act, link)) is not None
            and next_ns - act.ended_ns.get(link, act.last_ns) < GLANCE_NS
        )
    ]
    return f"nobody saw it end on {name_list(lingering)}" if lingering else ""


def _not_spared(act: Act, fault: LinkFault, witnesses: Witnesses, link: str) -> str:
    """What a link shows that should have been spared, held to the same measure as one that was hit; "" when
    nothing.
    """
    seen = witnesses.link(act, link)
    if trouble := unexpected_change(seen.during):
        return trouble
    if fault.observed(seen).seen:
        return "it shows the same fault"
    if Symptom.damaged in fault.symptoms() and seen.refused_frames:
        return f"{seen.refused_frames} frames of its own were refused"
    if act.fault.lasting and (trouble := unexplained_slowness(seen)):
        return trouble
    return "" if witnesses.was_watched(act, link) else "the prober did not watch it"


def _prove_containers(act: Act, fault: ContainerFault, witnesses: Witnesses) -> Proof:
    seen = {name: witnesses.container(act, fault, name) for name in act.targets if name in act.began_ns}
    told = {name: _through(fault.observed(one), one) for name, one in seen.items()}
    observers = [PROBER] if act.reaches_all and witnesses.has_prober else []
    observers += [ENGINE, *(name for name in told if told[name].seen and witnesses.wrote(name))]
    proof = _proof(act, told, "", [], [], observers, [])
    if fault.lasting and seen:
        proof.measured["proved_ratio"] = min(proved_ratio(one) for one in seen.values())
    return proof


def _through(observation: Observation, seen: ContainerEvidence) -> Observation:
    """The observation; a fault that has gaps in its window was not on through all of it."""
    if not seen.gaps:
        return observation
    because = sentence(seen) if observation.seen else f"{sentence(seen)}; {observation.because}"
    return replace(observation, seen=False, because=because)


def _proof(
    act: Act,
    told: Mapping[str, Observation],
    why_not: str,
    spared: list[str],
    strayed: list[str],
    observers: list[str],
    shares: list[float],
) -> Proof:
    hit = [name for name, observation in told.items() if observation.seen]
    missed = [name for name in act.targets if name not in hit]
    proved = bool(hit) and not missed and not why_not
    asked, measured = _magnitudes(act, [told[name] for name in hit])
    if shares:
        asked["held_share"], measured["held_share"] = 1.0, min(shares)
    return Proof(
        fault=act.fault_id,
        kind=act.fault.name,
        proved=proved,
        because=_because(act, told, missed, why_not, spared),
        hit=hit,
        missed=missed,
        spared=spared,
        strayed=strayed,
        observers=observers,
        began_ns=act.first_ns,
        ended_ns=act.last_ns if act.fault.lasting else act.first_ns,
        asked=asked,
        measured=measured,
    )


def _because(
    act: Act, told: Mapping[str, Observation], missed: Sequence[str], why_not: str, spared: Sequence[str]
) -> str:
    if missed and not why_not.startswith("the prober"):
        why = told[missed[0]].because if missed[0] in told else "it was never put on"
        more = f"; {why_not}" if why_not else ""
        return f"not seen on {name_list(missed)}: {missed[0]}: {why}{more}"
    if why_not:
        return why_not
    if not act.targets:
        return "it hit nobody"
    rest = f"; {len(spared)} link{' was' if len(spared) == 1 else 's were'} spared" if spared else ""
    return f"seen on {name_list(act.targets)}: {act.targets[0]}: {told[act.targets[0]].because}{rest}"


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
