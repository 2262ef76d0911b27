"""Claims about the scenarios of the example systems, without running them."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.paths import project_root
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import load_scenario, scenarios_under

EXAMPLES = project_root() / "examples"
SCENARIOS = scenarios_under(EXAMPLES)
EXAMINED = sorted({path.parents[1] for path in SCENARIOS.values()})
LEAST_FAULTS = 6
LONGEST_S = 75.0


def _read(name: str) -> SystemScenario:
    scenario = load_scenario(SCENARIOS[name]).scenario
    assert isinstance(scenario, SystemScenario)
    return scenario


def _files(name: str) -> tuple[str, ...]:
    system = _read(name).system
    return (system.file, *system.files)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_is_valid_and_has_a_claim_that_ends_like_one(name: str) -> None:
    loaded = load_scenario(SCENARIOS[name])
    assert loaded.claim.endswith(".")
    assert loaded.scenario.expect


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_compose_files_of_each_scenario_are_there(name: str) -> None:
    assert [file for file in _files(name) if not (SCENARIOS[name].parent / file).is_file()] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_is_short(name: str) -> None:
    scenario = _read(name)
    assert scenario.warmup_s + scenario.duration_s <= LONGEST_S


@pytest.mark.parametrize("example", EXAMINED, ids=lambda path: str(path.name))
def test_each_example_says_what_was_found(example: Path) -> None:
    assert (example / "README.md").is_file()
    assert (example / "findings.md").read_text().startswith("# What")


def test_at_least_six_faults_of_real_systems_are_shown() -> None:
    assert len([name for name in SCENARIOS if _read(name).known_issues]) >= LEAST_FAULTS


@pytest.mark.parametrize("name", [name for name in SCENARIOS if _read(name).known_issues])
def test_each_fault_has_a_variant_in_which_other_settings_mend_it(name: str) -> None:
    """It has the same faults and judges the same, on the same application with further Compose files."""
    shown = _read(name)
    mended = [
        one
        for other in SCENARIOS
        if other != name and SCENARIOS[other].parent == SCENARIOS[name].parent
        for one in [_read(other)]
        if one.timeline == shown.timeline
        and one.workload == shown.workload
        and not one.known_issues
        and {issue.check for issue in shown.known_issues} <= set(one.expect)
        and set(_files(other)) - set(_files(name))
    ]
    assert mended, "no scenario of this example has its timeline, load and expectations without known issues"
