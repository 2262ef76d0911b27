"""From a scenario to its plan. Whatever cannot be is refused here, before anything starts. Pure."""

from __future__ import annotations

import msgspec

from driver.scenarios.placing import Placer
from driver.scenarios.plan import Plan
from driver.scenarios.scenario_file import ScenarioFile
from wire.settings import WorkerSettings


def resolve(loaded: ScenarioFile, seed: int) -> Plan:
    """The plan of a scenario under a seed. The same two give the same plan. Raises FileError (wrong use)."""
    scenario = loaded.scenario
    faults = Placer(loaded, seed).place()
    # Heartbeats and backoff scale with the fleet, and no other may take part: the coordinator must know how
    # many there are.
    worker = msgspec.convert(scenario.worker, WorkerSettings)
    known = {"fleet": scenario.workers, "members": scenario.workers, "held": worker.slots + worker.prefetch}
    coordinator = {**known, **scenario.coordinator}
    return Plan(
        scenario=loaded.name,
        claim=loaded.claim,
        seed=seed,
        workers=scenario.workers,
        duration_s=scenario.duration_s,
        warmup_s=scenario.warmup_s,
        converge_s=scenario.converge_s,
        faults=tuple(faults),
        workload=scenario.workload,
        worker=scenario.worker,
        coordinator=coordinator,
        expect=tuple(scenario.expect),
        checks=tuple(scenario.checks),
        abort_when=tuple(scenario.abort_when),
        known_issues=tuple(scenario.known_issues),
        variables=scenario.vars,
        quick=loaded.quick,
    )
