"""The policy behind a fleet's attempts is named right, or not at all."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import MIN_GAPS, PolicyIdentification, identify_policy
from tests.driver.forensics.confusion import UNSURE, fleet_named
from tests.driver.forensics.fleets import Fleet
from tests.driver.forensics.strangers import STRANGERS, stranger_named
from wire.policies import POLICIES

SEEDS, ALONE = range(4), 4


@cache
def all_named() -> dict[str, tuple[Counter[str], Counter[str]]]:
    """For each policy what fleets of 20 workers × 3 rounds are taken for, and their workers by themselves."""
    found = {}
    for policy in POLICIES:
        fleets: Counter[str] = Counter()
        workers: Counter[str] = Counter()
        for seed in SEEDS:
            fleet, each = fleet_named(policy, seed, alone=ALONE)
            fleets[fleet] += 1
            workers.update(each)
        found[policy] = (fleets, workers)
    return found


def fleet(
    policy: str, workers: int = 8, rounds: int = 1, outage_s: float = 10.0, **more: Any
) -> PolicyIdentification:
    life = Fleet((policy,), workers, rounds, (outage_s, outage_s), **more)
    return identify_policy(pooled(list(gaps_by_client(life.history()).values())))


@pytest.mark.parametrize("name", STRANGERS)
def test_a_policy_outside_the_catalogue_is_given_no_name(name: str) -> None:
    found = stranger_named(name, seed=1)
    assert found.misfit is not None
    assert not found.sure


def test_at_least_95_of_100_fleets_of_20_workers_over_3_rounds_are_named_right() -> None:
    right = sum(fleets[policy] for policy, (fleets, _) in all_named().items())
    assert right >= 0.95 * len(POLICIES) * len(SEEDS), {p: fleets for p, (fleets, _) in all_named().items()}


def test_of_single_workers_over_3_rounds_nearly_all_are_named_right_and_hardly_any_wrong() -> None:
    whole = ALONE * len(POLICIES) * len(SEEDS)
    right = sum(workers[policy] for policy, (_, workers) in all_named().items())
    untold = sum(workers[UNSURE] for _, workers in all_named().values())
    assert right >= 0.85 * whole
    assert whole - right - untold <= 0.01 * whole


@pytest.mark.parametrize(
    ("policy", "base_s", "cap_s"), [("full_jitter", 0.3, 4.0), ("exponential", 0.05, 2.0)]
)
def test_base_and_cap_are_found_with_the_name(policy: str, base_s: float, cap_s: float) -> None:
    found = fleet(policy, 20, 2, base_ms=round(base_s * 1e3), cap_ms=round(cap_s * 1e3))
    assert found.best is not None
    assert found.best.policy.name == policy
    assert found.best.base_s == pytest.approx(base_s, rel=0.15)
    assert found.best.cap_s == pytest.approx(cap_s, rel=0.05)


def test_outages_too_short_for_a_second_attempt_leave_the_name_open_and_say_that_more_do_not_help() -> None:
    found = fleet("exponential", outage_s=0.05, base_ms=400, cap_ms=5_000)
    assert not found.sure
    assert {one.policy.name for one in found.fits[:2]} == {"fixed", "exponential"}
    assert found.more_attempts is None


def test_a_sample_that_is_too_small_says_how_many_more_attempts_would_decide() -> None:
    few = fleet("slotted", workers=4, outage_s=2.0, seed=3)
    assert not few.sure
    assert few.more_attempts is not None
    many = fleet("slotted", workers=4 + 4 * few.more_attempts // few.gaps, outage_s=2.0, seed=3)
    assert many.sure
    assert many.best is not None
    assert many.best.policy.name == "slotted"


def test_without_attempts_there_is_no_name() -> None:
    found = identify_policy(pooled([]))
    assert found.best is None
    assert not found.sure


def test_a_handful_of_gaps_is_not_sure_however_well_it_fits() -> None:
    found = fleet("websockets", workers=1, outage_s=12.0)
    assert 0 < found.gaps < MIN_GAPS
    assert found.best is not None
    assert found.best.policy.name == "websockets"
    assert not found.sure
    assert found.more_attempts == MIN_GAPS - found.gaps
