"""Resolves a scenario to its plan, before anything starts. Pure."""

from __future__ import annotations

from typing import Any

from chaos.system_targets import SystemTargets
from chaos.targets import TargetError
from driver.scenarios.kinds import fleet_fields, fleet_of
from driver.scenarios.plan import Plan, PlannedSystem
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.scheduler import Scheduler
from driver.scenarios.target_selector import FleetSelector, SystemSelector, TargetSelector


def resolve(loaded: ScenarioFile, seed: int, system: PlannedSystem | None = None) -> Plan:
    """Return the plan of a scenario by a seed; equal inputs give equal plans. Raises FileError.

    `system` is the foreign system of a scenario that has one.
    """
    scenario = loaded.scenario
    if isinstance(scenario, SystemScenario):
        assert system is not None, "a scenario with `system:` is resolved on its system"
        targets = SystemTargets(system.services, system.links, seed, scenario.groups)
        more = {
            "home": str(loaded.folder.absolute()),
            "workload": scenario.workload,
            "observe": scenario.observe,
            "settle_s": scenario.settle_s,
        }
        own = {"workers": 0, "system": system.model_copy(update=more)}
        return _plan(loaded, seed, SystemSelector(targets), own)
    try:
        fleet, placement = fleet_of(scenario, seed)
    except TargetError as error:
        raise loaded.error(("placement",), str(error)) from None
    return _plan(loaded, seed, FleetSelector(fleet), {**fleet_fields(scenario), "placement": placement})


def _plan(loaded: ScenarioFile, seed: int, targets: TargetSelector, own: dict[str, Any]) -> Plan:
    """Return a plan with the fields of its kind of system, `own`."""
    scenario = loaded.scenario
    checks: list[str | dict[str, Any]] = [*scenario.checks]
    if isinstance(scenario, SystemScenario) and scenario.workload:
        # Imported here: the clients of loads take longer to load than all else.
        from driver.loads.catalogue import read_loads

        brought = {name for load in read_loads(scenario.workload).values() for name in load.expects}
        checks += sorted(brought - {name for name in scenario.expect if isinstance(name, str)})
    faults = tuple(Scheduler(loaded, seed, targets).schedule())
    return Plan(
        scenario=loaded.name,
        claim=loaded.claim,
        seed=seed,
        duration_s=scenario.duration_s,
        measured_s=scenario.measured_s(max(fault.end_s for fault in faults)) if faults else None,
        warmup_s=scenario.warmup_s,
        converge_s=scenario.converge_s,
        faults=faults,
        expect=tuple(scenario.expect),
        checks=tuple(checks),
        controls=scenario.controls,
        abort_when=tuple(scenario.abort_when),
        known_issues=tuple(scenario.known_issues),
        variables=scenario.vars,
        quick=loaded.quick,
        **own,
    )
