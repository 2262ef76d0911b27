"""Conflicts: faults that cannot be on the same target at the same time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.fault import Aspect, ContainerFault, Fault, Layer, conflict
from chaos.targets import TOXIPROXY
from driver.scenarios.plan import PlannedFault

MAX_AT_ONCE = 200
"""Faults on one target at one time."""
TICK_S = 1e-6
"""Times that differ by less are equal: they are sums of decimal fractions."""


@dataclass(frozen=True)
class Conflict:
    """Two faults, the target on which they overlap, and why they cannot."""

    one: PlannedFault
    other: PlannedFault
    target: str
    why: str


def first_conflict(planned: Sequence[PlannedFault]) -> Conflict | None:
    """Return the first conflict, of faults in order of time; None without one."""
    made = {fault.id: fault.build() for fault in planned}
    on: dict[str, list[PlannedFault]] = {}
    for later in planned:
        for target in later.targets:
            here = on[target] = [fault for fault in on.get(target, []) if _overlap(fault, later)]
            if len(here) > MAX_AT_ONCE:
                why = f"more than {MAX_AT_ONCE} faults would be on it at one time"
                return Conflict(here[0], later, target, why)
            for earlier in here:
                if why := conflict(made[earlier.id], made[later.id]):
                    return Conflict(earlier, later, target, why)
            here.append(later)
    return _without_toxiproxy(planned, made)


def _without_toxiproxy(planned: Sequence[PlannedFault], made: dict[str, Fault]) -> Conflict | None:
    """Return the first link fault that overlaps a stop or freeze of Toxiproxy; None without one."""
    for fault in planned:
        kind = made[fault.id]
        interrupts = isinstance(kind, ContainerFault) and Aspect.process in kind.exclusive_aspects()
        if TOXIPROXY not in fault.targets or not interrupts:
            continue
        for other in planned:
            if made[other.id].layer is not Layer.container and _overlap(fault, other):
                why = f"{other.fault} runs in it while {fault.fault} interrupts it"
                return Conflict(fault, other, TOXIPROXY, why)
    return None


def _overlap(one: PlannedFault, other: PlannedFault) -> bool:
    if one.at_s == other.at_s:
        return True
    first, second = (one, other) if one.at_s < other.at_s else (other, one)
    return second.at_s < first.end_s - TICK_S
