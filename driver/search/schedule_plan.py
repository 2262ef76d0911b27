"""From a scenario to the space of a search, and from a schedule to the plan and file of a run. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chaos.catalogue import FAULTS
from chaos.targets import SERVER
from chaos.units import format_seconds
from driver.errors import UsageError
from driver.scenarios.plan import Plan, PlannedAnchor, PlannedFault, PlannedSystem
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, ScenarioFile, from_yaml, resolved_yaml
from driver.scenarios.yaml_file import parse_yaml
from driver.search.draw_schedule import SHORTEST_S
from driver.search.fault_space import FaultSpace, drawable_faults
from driver.search.schedule import TIME_STEP_S, Schedule, ScheduledFault, in_order, rounded, scaled_rates
from driver.systems.system import OUTSIDE

LENGTH_S = 6.0
WARMUP_S = 1.0
SETTLE_S = 10.0
DECIDED_S = 0.5
"""A schedule ends once every expectation is decided, and no observed row has changed for this long."""
AFTER_S = 1.0
"""Load after the last fault."""


def space_of(
    loaded: ScenarioFile, system: PlannedSystem | None, length_s: float, faults: tuple[str, ...] = ()
) -> FaultSpace:
    """Return what a search of a scenario draws from; `faults` narrows the catalogue. Raises UsageError."""
    if system is not None:
        links = tuple(name for name in system.links if not name.startswith(f"{OUTSIDE}->"))
        containers = tuple(
            f"{name}[{number}]"
            for name, replicas in system.services.items()
            for number in range(1, replicas + 1)
        )
    else:
        links = loaded.clients
        containers = (*links, SERVER)
    offered = drawable_faults(links, containers)
    chosen = tuple(name for name in offered if not faults or name in faults)
    if not chosen:
        raise UsageError(
            f"no fault of {', '.join(faults) or 'the catalogue'} can act on this system.",
            f"It takes {', '.join(offered) or 'none'}.",
        )
    from_s = min(loaded.scenario.warmup_s, WARMUP_S)
    if length_s - AFTER_S - from_s < SHORTEST_S + TIME_STEP_S:
        least = format_seconds(from_s + AFTER_S + 1)
        raise UsageError(
            f"--length takes at least {least}; found {format_seconds(length_s)}.",
            "Faults need time between the warm-up and the last second of load.",
        )
    return FaultSpace(links, containers, from_s, length_s - AFTER_S, length_s, len(loaded.clients), chosen)


def scenario_of(loaded: ScenarioFile, schedule: Schedule, settle_s: float) -> ScenarioFile:
    """Return a scenario with the faults, length and load of a schedule; it has `settle_s` to converge."""
    scenario = loaded.scenario
    changed: dict[str, Any] = {
        "duration_s": schedule.duration_s,
        "warmup_s": min(scenario.warmup_s, WARMUP_S),
        "cooldown_s": 0.0,
        "converge_s": settle_s,
        "timeline": schedule.timeline(),
        "controls": False,
        "abort_when": [],
        "matrix": {},
        "repeat": 1,
    }
    if isinstance(scenario, SystemScenario):
        changed["workload"] = scaled_rates(scenario.workload, schedule.load_share)
        if scenario.observe:
            changed["settle_s"] = min(scenario.settle_s or DECIDED_S, DECIDED_S)
    else:
        changed["workers"] = schedule.clients
        if scenario.workload is not None and schedule.load_share != 1.0:
            rate_per_s = scenario.workload.rate_per_s * schedule.load_share
            changed["workload"] = scenario.workload.model_copy(update={"rate_per_s": rate_per_s})
    return replace(loaded, scenario=scenario.model_copy(update=changed))


def plan_of(
    loaded: ScenarioFile, schedule: Schedule, settle_s: float, seed: int, system: PlannedSystem | None
) -> tuple[Plan, str]:
    """Return the plan of a schedule, and its scenario as YAML. Raises FileError where it has no such plan."""
    one = scenario_of(loaded, schedule, settle_s)
    text = resolved_yaml(one)
    name = loaded.name
    # Read again: a schedule is refused here for what its file would be refused for.
    again = from_yaml(parse_yaml(text, f"{name}.yaml"), name, Overrides(), loaded.folder)
    return resolve(again, seed, system), text


def schedule_of(plan: Plan) -> Schedule:
    """Return the schedule of a plan: its faults, its length, its clients."""
    faults = [_scheduled(one) for one in plan.faults]
    return Schedule(in_order(tuple(faults)), plan.duration_s, plan.clients)


def _scheduled(one: PlannedFault) -> ScheduledFault:
    for_s = one.for_s
    if FAULTS[one.fault].lasting:
        for_s = max(TIME_STEP_S, rounded(for_s or TIME_STEP_S))
    return ScheduledFault(one.fault, one.targets, rounded(one.at_s), for_s, one.params, _anchor(one.when))


def _anchor(when: PlannedAnchor | None) -> dict[str, Any]:
    if when is None:
        return {}
    point = when.point.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"link": list(when.links), **point, "within": format_seconds(when.within_s)}
