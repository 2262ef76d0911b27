"""What the prober is told: which links to watch, and when to look closer. Pure."""

from __future__ import annotations

from functools import reduce

import msgspec

from chaos.fault import Layer
from chaos.prober.look import Look, ProberSettings, Watch, in_time, spared_look
from chaos.targets import CORE
from driver.scenarios.plan import Plan, PlannedFault
from wire.address import worker_name

WATCH_FILE = "prober.watch"
# A fault's effect is measured against what was before it and seen to be over after it.
BEFORE_S = 4.0
AFTER_S = 6.0


def settings_json(plan: Plan, can_be_told: bool) -> str:
    """STORMLAB_PROBER. A prober that cannot be told when to look closer looks closely all the time."""
    usual = Look()
    if not can_be_told:
        usual = reduce(Look.closer, (_look(fault) for fault in plan.faults), usual)
    settings = ProberSettings(links=plan.workers, usual=usual, seed=plan.seed)
    return msgspec.json.encode(settings).decode()


def watches(plan: Plan, zero_ns: int) -> list[Watch]:
    """When to look closer at which links; times of the plan count from `zero_ns`. Links that a fault spares
    are looked at too, so that they can be held to the same measure.
    """
    every = [worker_name(index) for index in range(1, plan.workers + 1)]
    closer = []
    for fault in plan.faults:
        reaches_all = any(target in CORE for target in fault.targets)
        from_ns = zero_ns + round((fault.at_s - BEFORE_S) * 1e9)
        until_ns = zero_ns + round((fault.end_s + AFTER_S) * 1e9)
        hit = every if reaches_all else list(fault.targets)
        closer.append(Watch(from_ns=from_ns, until_ns=until_ns, links=hit, look=_look(fault)))
        spared = [] if reaches_all else _spared(plan, fault, every)
        if spared and fault.made().layer is not Layer.container:
            look = spared_look(len(every))
            closer.append(Watch(from_ns=from_ns, until_ns=until_ns, links=spared, look=look))
    return closer


def _spared(plan: Plan, fault: PlannedFault, every: list[str]) -> list[str]:
    """Links that no fault is on while this one is, or is looked for."""
    beside = [
        other
        for other in plan.faults
        if other.at_s - BEFORE_S < fault.end_s + AFTER_S and fault.at_s - BEFORE_S < other.end_s + AFTER_S
    ]
    hit = {target for other in beside for target in other.targets}
    return [] if hit & set(CORE) else [link for link in every if link not in hit]


def _look(fault: PlannedFault) -> Look:
    """Short stretches are looked at more often, or they would be over between two looks."""
    return in_time(fault.made().look_for(fault.for_s), fault.for_s)
