"""The scenarios that come with the lab: each can run, in full and in short, and teaches something."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import Overrides, combinations, load_scenario, scenario_paths

NAMED = """thundering_herd steady_load message_flood checkpoint_heavy mixed_priority end_to_end partial_outage
asymmetric_partition data_corruption slow_link flapping_link half_open coordinator_crash coordinator_pause
zombie_worker rolling_restart mid_frame_cut unplugged_cable metastable_storm slow_drain long_soak
backoff_policies worst_day million_tasks"""
PATHS = scenario_paths()


def test_all_that_were_promised_are_there() -> None:
    assert set(NAMED.split()) <= PATHS.keys()


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_scenario_claims_and_teaches(path: Path) -> None:
    loaded = load_scenario(path)
    assert loaded.claim.endswith(".")
    assert len(loaded.teaches) > 2 * len(loaded.claim), "the comment should say why it matters"
    assert loaded.scenario.expect


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_scenario_can_run_whatever_the_seed(path: Path, quick: bool) -> None:
    for variables in combinations(path, Overrides(quick=quick)):
        loaded = load_scenario(path, Overrides(quick=quick, variables=variables))
        for seed in range(20):
            plan = resolve(loaded, seed)
            assert plan.faults
            assert plan.workload is not None
            assert plan.faults[0].at_s >= plan.warmup_s


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_short_form_lasts_a_minute_at_most(path: Path) -> None:
    assert load_scenario(path, Overrides(quick=True)).scenario.duration_s <= 60


@pytest.mark.parametrize(("duration_s", "rounds"), [(60.0, 2), (120.0, 4), (300.0, 11)])
def test_a_longer_thundering_herd_has_more_rounds(duration_s: float, rounds: int) -> None:
    loaded = load_scenario(PATHS["thundering_herd"], Overrides(duration_s=duration_s))
    assert len(resolve(loaded, 1).faults) == rounds


def test_the_interval_of_the_end_to_end_run_is_a_variable() -> None:
    loaded = load_scenario(PATHS["end_to_end"], Overrides(variables={"disruption_interval": "60s"}))
    assert len(resolve(loaded, 1).faults) == 5
