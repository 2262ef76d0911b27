"""Resolves a scenario to its plan, before anything starts. Pure."""

from __future__ import annotations

import msgspec

from driver.scenarios.plan import Plan
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.scheduler import Scheduler
from wire.settings import WorkerSettings


def resolve(loaded: ScenarioFile, seed: int) -> Plan:
    """Return the plan of a scenario by a seed; equal inputs give equal plans. Raises FileError."""
    scenario = loaded.scenario
    faults = Scheduler(loaded, seed).schedule()
    # Heartbeats and backoff scale with the fleet, and no other worker may join: the coordinator takes the
    # number of workers as a setting.
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
        controls=scenario.controls,
        abort_when=tuple(scenario.abort_when),
        known_issues=tuple(scenario.known_issues),
        variables=scenario.vars,
        quick=loaded.quick,
    )
