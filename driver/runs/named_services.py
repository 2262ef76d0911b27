"""Services that the loads and observations of a scenario name, and that its system has not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chaos.explain import did_you_mean, shown
from driver.loads.catalogue import read_loads
from driver.observations.catalogue import read_observations
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.yaml_file import KeyPath


def add_unknown_services(loaded: ScenarioFile, services: Mapping[str, int], errors: ErrorCollector) -> None:
    """Add an error for each key of a load or an observation that names what the system has not.

    `services` are the numbers of replicas by name. A host of the internet is none: loads and observations
    reach services alone.
    """
    assert isinstance(loaded.scenario, SystemScenario), "the scenario has a `system:`"
    found = [*_of_loads(loaded.scenario), *_of_observations(loaded.scenario)]
    for path, service, number in found:
        # The host of a URL has no upper case.
        known = {name.lower(): (name, count) for name, count in services.items()}
        name, count = known.get(service.lower(), ("", 0))
        if not name:
            near = did_you_mean(service, services)
            hint = f"{near} Services: {', '.join(services) or 'none'}.".lstrip()
            errors.add(loaded.error(path, f"expected a service of the system; found {shown(service)}", hint))
        elif number > count:
            found_is = f"found {shown(f'{service}[{number}]')}"
            errors.add(loaded.error(path, f"expected a replica of {name}, which has {count}; {found_is}"))


def _of_loads(scenario: SystemScenario) -> Iterator[tuple[KeyPath, str, int]]:
    if not scenario.workload:
        return
    for name, load in read_loads(scenario.workload).items():
        # A load that is given alone has no name in the file.
        above = ("workload", name) if name in scenario.workload else ("workload",)
        for key, service in load.services.items():
            yield (*above, *key), service, 0


def _of_observations(scenario: SystemScenario) -> Iterator[tuple[KeyPath, str, int]]:
    for name, one in read_observations(scenario.observe).items():
        for key, target in one.targets.items():
            yield ("observe", name, key), target.service, target.number
