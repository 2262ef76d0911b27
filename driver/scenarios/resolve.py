"""From a scenario to its plan. Whatever cannot be is refused here, before anything starts. Pure."""

from __future__ import annotations

import msgspec

from driver.scenarios.abort_when import parse_abort
from driver.scenarios.placing import Placer
from driver.scenarios.plan import Plan
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.thresholds import Anchored, parse_expectations
from wire.settings import WorkerSettings


def resolve(loaded: ScenarioFile, seed: int) -> Plan:
    """The plan of a scenario under a seed. The same two give the same plan. Raises FileError (wrong use)."""
    scenario = loaded.scenario
    _check_expectations(loaded)
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


def _check_expectations(loaded: ScenarioFile) -> None:
    """What is expected must be something that can be judged."""
    scenario = loaded.scenario
    for key, entries in (("expect", scenario.expect), ("checks", scenario.checks)):
        for place, entry in enumerate(entries):
            try:
                (parsed,) = parse_expectations([entry])
            except ValueError as error:
                raise loaded.error((key, place), str(error)) from None
            if isinstance(parsed, Anchored) and parsed.anchor != "start" and not scenario.timeline:
                raise loaded.error((key, place), f"there is no {parsed.anchor}: the timeline holds no fault")
    for place, text in enumerate(scenario.abort_when):
        try:
            parse_abort(text)
        except ValueError as error:
            raise loaded.error(("abort_when", place), str(error)) from None
