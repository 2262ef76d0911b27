"""What the prober is told: which links to watch, and when to look closer. Pure."""

from __future__ import annotations

from functools import reduce

import msgspec

from chaos.prober.look import Look, ProberSettings, Watch
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
    """When to look closer at which links; times of the plan count from `zero_ns`."""
    every = [worker_name(index) for index in range(1, plan.workers + 1)]
    return [
        Watch(
            from_ns=zero_ns + round((fault.at_s - BEFORE_S) * 1e9),
            until_ns=zero_ns + round((fault.end_s + AFTER_S) * 1e9),
            links=every if any(target in CORE for target in fault.targets) else list(fault.targets),
            look=_look(fault),
        )
        for fault in plan.faults
    ]


def _look(fault: PlannedFault) -> Look:
    return fault.made().look_for(fault.for_s)
