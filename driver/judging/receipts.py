"""Receipts: whether each fault was observed on all its targets and no other link, and ended. Pure.

An `InjectedFault` is what the driver did, `FaultObservations` are what others observed; the fault's own rule
decides whether they show this fault.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chaos.actuator import name_list
from chaos.anchor import Strike
from chaos.delays import Slowness, at_once, unexplained_slowness
from chaos.evidence import ContainerEvidence, LinkEvidence, Observation, OtherFault, Symptom
from chaos.evidence_checks import unexpected_change
from chaos.fault import ContainerFault, LinkFault
from chaos.targets import TOXIPROXY
from driver.histories.history import History
from driver.judging.clock_bounds import receipt_bound_ms
from driver.judging.container_samples import gaps_sentence, proved_ratio
from driver.judging.injected_faults import ContainerSample, InjectedFault
from driver.judging.observations import PROBE_GAP_NS, FaultObservations

__all__ = ["ContainerSample", "InjectedFault", "Proof", "prove"]
EARLY_END_S = 1.0
BUSY = "all other links were slow after a restart of the coordinator, so that they show nothing"
NO_PROBER = "the prober saw nothing: its journal is empty or missing"
SLOWING = frozenset({Symptom.late_up, Symptom.late_down, Symptom.slow_up, Symptom.slow_down})
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
    mechanism: str = ""
    clock_bound_ms: float = 0.0


def prove(
    faults: Sequence[InjectedFault],
    history: History,
    links: Sequence[str],
    samples: Iterable[ContainerSample] = (),
) -> list[Proof]:
    """Return a receipt for every link or container fault, in their order.

    `links` are all links that the prober probes; `samples` those of the containers of container faults.
    """
    observed = FaultObservations(faults, history, samples)
    proofs = []
    for injected in faults:
        if isinstance(injected.fault, LinkFault):
            proofs.append(_prove_links(injected, injected.fault, observed, links))
        elif isinstance(injected.fault, ContainerFault):
            proofs.append(_prove_containers(injected, injected.fault, observed))
    return [_with_clock_bound(proof, history) for proof in proofs] if history.clocks.host_of else proofs


def _with_clock_bound(proof: Proof, history: History) -> Proof:
    """Return the proof with the error bound of the clocks by which its instants were recorded."""
    processes = (TOXIPROXY, *proof.observers, *proof.hit, *proof.missed)
    bound_ms = receipt_bound_ms(history.clocks, processes, (proof.began_ns, proof.ended_ns))
    return replace(proof, clock_bound_ms=bound_ms)


def _prove_links(
    injected: InjectedFault, fault: LinkFault, observed: FaultObservations, links: Sequence[str]
) -> Proof:
    seen = {link: observed.link(injected, link) for link in injected.targets if link in injected.began_ns}
    observations = {link: _observation(fault, one) for link, one in seen.items()}
    hit = [link for link, observation in observations.items() if observation.seen]
    others = {
        link: observed.link(injected, link)
        for link in links
        if link not in injected.targets and not observed.has_overlapping_fault(injected, link)
    }
    slow = {link: unexplained_slowness(one) for link, one in others.items()} if fault.lasting else {}
    busy = _server_was_busy(injected, observed, others, slow)
    spared: list[str] = []
    strayed: dict[str, str] = {}
    for link, one in others.items():
        trouble = _not_spared(fault, one, None if busy else slow.get(link), busy=busy)
        trouble = trouble or ("" if observed.was_probed(injected, link) else "the prober did not probe it")
        if trouble:
            strayed[link] = trouble
        elif not busy:
            spared.append(link)
    why_not = "" if observed.has_prober else NO_PROBER
    if busy and not why_not and any(fault.observed(one).seen for one in others.values()):
        why_not = "the other links show the same, after a restart of the coordinator"
    if strayed and not why_not:
        first = next(iter(strayed))
        why_not = f"{name_list(list(strayed))} should be unaffected: {first}: {strayed[first]}"
    why_not = (
        why_not or _not_to_its_end(injected, observed) or _not_seen_to_end(injected, observed, seen, hit)
    )
    observers = [PROBER] if observed.has_prober else []
    shares = [part.share for link in hit if (part := fault.coverage(seen[link])) is not None]
    proof = _proof(injected, observations, why_not, spared, list(strayed), observers, shares)
    return replace(proof, because=f"{proof.because}; {BUSY}") if busy else proof


def _server_was_busy(
    injected: InjectedFault,
    observed: FaultObservations,
    others: Mapping[str, LinkEvidence],
    slow: Mapping[str, Slowness | None],
) -> bool:
    """Return whether all links but the targets were slow at one instant after a restart of the server,
    which answers on all of them. One such link alone is no evidence: it may be the link that is slow.
    """
    found = [one for one in slow.values() if one is not None]
    return len(found) == len(others) > 1 and at_once(found) and observed.was_restarted(injected)


def _observation(fault: LinkFault, seen: LinkEvidence) -> Observation:
    """Return the rule's observation of one link: whether the fault was on, and through all of its window."""
    observation = fault.observed(seen)
    held = fault.coverage(seen)
    gaps = held.trouble if held is not None else ""
    if observation.seen:
        return (
            replace(observation, seen=False, because=f"{gaps}; {observation.because}")
            if gaps
            else observation
        )
    # A fault that was on for a part of its window is not observed, for the reason of the gaps.
    partly = f"{gaps}; " if gaps and held is not None and held.proved_ns else ""
    others = ", ".join(dict.fromkeys(f"{one.fault_id} ({one.name})" for one in _beside(seen)))
    more = f"; {others} was on that link at the same time" if others else ""
    return replace(observation, because=f"{partly}{observation.because}{more}")


def _beside(seen: LinkEvidence) -> tuple[OtherFault, ...]:
    return seen.beside(*Symptom)


def _not_to_its_end(injected: InjectedFault, observed: FaultObservations) -> str:
    """Return why a fault did not last as planned, by Toxiproxy and by the heal; "" when it did. An effect
    that was removed and put back is not this fault.
    """
    if injected.absent:
        absent = name_list(injected.absent)
        return f"Toxiproxy no longer had it on {absent} when it ended: another client removed it"
    early_s = (
        (injected.end_planned_ns or 0) - min(injected.ended_ns.values(), default=injected.last_ns)
    ) / 1e9
    if injected.ended_because == "lease":
        return f"its lease ran out {max(0.0, early_s):.1f} s before its end: the driver did not renew it"
    if early_s > EARLY_END_S:
        return (
            f"it ended {early_s:.1f} s before its end ({injected.ended_because or 'no reason is recorded'})"
        )
    if faulty := [
        link for link in injected.targets if injected.ended_ns and observed.still_faulty(injected, link)
    ]:
        return f"the heal found it still on {name_list(faulty)} after its end"
    return ""


def _not_seen_to_end(
    injected: InjectedFault, observed: FaultObservations, seen: Mapping[str, LinkEvidence], hit: Sequence[str]
) -> str:
    """Return why its end is not proved; "" when it is. A link on which the next fault began before a probe
    was due need not have been observed well between.
    """
    if not injected.fault.lasting:
        return ""
    lingering = [
        link
        for link in hit
        if not seen[link].after.lives
        and not (
            (next_ns := observed.next_ns(injected, link)) is not None
            and next_ns - injected.ended_ns.get(link, injected.last_ns) < PROBE_GAP_NS
        )
    ]
    return f"its end was not observed on {name_list(lingering)}" if lingering else ""


def _not_spared(fault: LinkFault, seen: LinkEvidence, slow: Slowness | None, *, busy: bool) -> str:
    """Return what a link that is no target shows, by the same rule as a target; "" when nothing.

    While the server is `busy` with its restart, slowness is no evidence of a fault.
    """
    if trouble := unexpected_change(seen.during):
        return trouble
    if fault.observed(seen).seen and not (busy and fault.symptoms() <= SLOWING):
        return "it shows the same fault"
    if Symptom.damaged in fault.symptoms() and seen.refused_frames:
        return f"{seen.refused_frames} frames of its own were refused"
    return "" if slow is None else slow.words


def _prove_containers(injected: InjectedFault, fault: ContainerFault, observed: FaultObservations) -> Proof:
    seen = {
        name: observed.container(injected, fault, name)
        for name in injected.targets
        if name in injected.began_ns
    }
    observations = {name: _through(fault.observed(one), one) for name, one in seen.items()}
    observers = [PROBER] if injected.reaches_all and observed.has_prober else []
    observers += [
        ENGINE,
        *(name for name in observations if observations[name].seen and observed.has_journal(name)),
    ]
    proof = _proof(injected, observations, "", [], [], observers, [])
    if fault.lasting and seen:
        proof.measured["proved_ratio"] = min(proved_ratio(one) for one in seen.values())
    return proof


def _through(observation: Observation, seen: ContainerEvidence) -> Observation:
    """Return the observation; a fault with gaps in its window was not on through all of it."""
    if not seen.gaps:
        return observation
    because = gaps_sentence(seen) if observation.seen else f"{gaps_sentence(seen)}; {observation.because}"
    return replace(observation, seen=False, because=because)


def _proof(
    injected: InjectedFault,
    observations: Mapping[str, Observation],
    why_not: str,
    spared: list[str],
    strayed: list[str],
    observers: list[str],
    shares: list[float],
) -> Proof:
    hit = [name for name, observation in observations.items() if observation.seen]
    missed = [name for name in injected.targets if name not in hit]
    proved = bool(hit) and not missed and not why_not
    asked, measured = _magnitudes(injected, [observations[name] for name in hit])
    if shares:
        asked["held_share"], measured["held_share"] = 1.0, min(shares)
    because = _because(injected, observations, missed, why_not, spared)
    if injected.strike is not None:
        because = f"{because}; {_struck(injected, injected.strike)}"
        measured["anchor_reaction_ms"] = (injected.first_ns - injected.strike.at_ns) / 1e6
    return Proof(
        fault=injected.fault_id,
        kind=injected.fault.name,
        proved=proved,
        because=because,
        hit=hit,
        missed=missed,
        spared=spared,
        strayed=strayed,
        observers=observers,
        began_ns=injected.first_ns,
        ended_ns=injected.last_ns if injected.fault.lasting else injected.first_ns,
        asked=asked,
        measured=measured,
        mechanism=injected.mechanism,
    )


def _because(
    injected: InjectedFault,
    observations: Mapping[str, Observation],
    missed: Sequence[str],
    why_not: str,
    spared: Sequence[str],
) -> str:
    if missed and why_not != NO_PROBER:
        why = observations[missed[0]].because if missed[0] in observations else "it was not applied"
        more = f"; {why_not}" if why_not else ""
        return f"not seen on {_with_first(missed)}: {why}{more}"
    if why_not:
        return why_not
    if not injected.targets:
        return "it has no targets"
    rest = f"; {len(spared)} link{' was' if len(spared) == 1 else 's were'} spared" if spared else ""
    first = injected.targets[0]
    by = f", by {injected.mechanism}" if injected.mechanism else ""
    return f"seen on {_with_first(injected.targets)}: {observations[first].because}{by}{rest}"


def _struck(injected: InjectedFault, strike: Strike) -> str:
    """Return where a fault with an anchor struck, and how late it was where the driver began it."""
    if strike.by_door:
        return f"the door struck {strike.text}"
    late_ms = (injected.first_ns - strike.at_ns) / 1e6
    return f"the driver began it {late_ms:.1f} ms after the door reported the anchor, {strike.text}"


def _with_first(targets: Sequence[str]) -> str:
    """Return the targets, and again the first of several: what follows is said of it alone."""
    return name_list(targets) if len(targets) == 1 else f"{name_list(targets)}: {targets[0]}"


def _magnitudes(
    injected: InjectedFault, seen: Sequence[Observation]
) -> tuple[dict[str, float], dict[str, float]]:
    asked = {"start_spread_ms": 0.0, "start_error_ms": 0.0}
    starts = list(injected.began_ns.values())
    measured = {
        "start_spread_ms": (max(starts) - min(starts)) / 1e6 if starts else 0.0,
        "start_error_ms": (injected.first_ns - injected.planned_ns) / 1e6,
    }
    for quantity in dict.fromkeys(one.quantity for one in seen if one.quantity):
        sizes = [one for one in seen if one.quantity == quantity]
        if wanted := [one.asked for one in sizes if one.asked is not None]:
            asked[quantity] = statistics.fmean(wanted)
        if found := [one.measured for one in sizes if one.measured is not None]:
            measured[quantity] = statistics.fmean(found)
    return asked, measured
