"""The fleet of a scenario of the reference system, and the fields of its plan. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from chaos.targets import Fleet
from driver.reference.scenarios.placement import host_groups, placed
from driver.reference.scenarios.scenario import ReferenceScenario
from wire.settings import WorkerSettings


def fleet_of(scenario: ReferenceScenario, seed: int) -> tuple[Fleet, dict[str, int]]:
    """Return the workers as targets, and the number of each one's host; {} where the engine decides.

    Raises TargetError for a placement that cannot be.
    """
    placement = placed(scenario.placement, Fleet(scenario.workers, seed, scenario.groups))
    return Fleet(scenario.workers, seed, {**host_groups(placement), **scenario.groups}), placement


def fleet_fields(scenario: ReferenceScenario) -> dict[str, Any]:
    """Return the fields that a plan has of the reference system alone, but for its placement."""
    # Heartbeats and backoff scale with the fleet, and no other worker may join: the coordinator takes the
    # number of workers as a setting.
    worker = msgspec.convert(scenario.worker, WorkerSettings)
    known = {"fleet": scenario.workers, "members": scenario.workers, "held": worker.slots + worker.prefetch}
    return {
        "workers": scenario.workers,
        "workload": scenario.workload,
        "worker": scenario.worker,
        "coordinator": {**known, **scenario.coordinator},
    }
