"""The distributions that forensics computes are those of the delays that workers draw."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from coordinator.admission import RESUME_SPEEDUP
from coordinator.timing import fleet_timing
from driver.forensics.likelihood import log_density
from driver.forensics.policies import PriorAttempts, draw_s
from driver.forensics.settings import ADVISED_BASE_S, ADVISED_CAP_LEAST_S, RESUMES_FASTER
from wire.policies import POLICIES, PolicyAdvice
from wire.settings import CoordinatorSettings

BASE_S, CAP_S, DRAWS, CELLS = 0.2, 5.0, 4_000, 40_000
CASES = [
    *((number, 0.0, math.nan) for number in (1, 2, 3, 5, 7, 8, 30)),
    *((4, previous_s, math.nan) for previous_s in (0.2, 0.9, 4.0)),
    (2, 0.3, 1.75),
]


def shipped_s(
    name: str, number: int, previous_s: float, slot_s: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    chance = random.Random(3)
    advice = PolicyAdvice(BASE_S * 1e3, CAP_S * 1e3, None if math.isnan(slot_s) else slot_s * 1e3)
    policy = POLICIES[name]
    return np.array([policy.delay_ms(number, previous_s * 1e3, advice, chance) / 1e3 for _ in range(DRAWS)])


def before(number: int, previous_s: float, slot_s: float, count: int = DRAWS) -> PriorAttempts:
    return PriorAttempts(*(np.full(count, float(value)) for value in (number, previous_s, slot_s)))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_draws_what_the_shipped_one_draws(name: str, case: tuple[int, float, float]) -> None:
    real = shipped_s(name, *case)
    ours = draw_s(POLICIES[name], before(*case), BASE_S, CAP_S, np.random.default_rng(5))
    if np.ptp(real) < 1e-9:
        assert ours == pytest.approx(real)
    else:
        # What piles up on a longest delay is one value many times: the test handles ties.
        assert stats.ks_2samp(real, ours).pvalue > 1e-4


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", POLICIES)
def test_the_density_is_that_of_the_shipped_draws(name: str, case: tuple[int, float, float]) -> None:
    """The share of real draws in each cell of a net is what the density says of that cell."""
    late = np.random.default_rng(9).exponential(0.003, DRAWS) - 0.002
    real = shipped_s(name, *case) + late
    low, high = max(-0.002, real.min() - 0.05), real.max() + 0.2
    edges = np.linspace(low, high, CELLS + 1)
    centres, width = (edges[1:] + edges[:-1]) / 2, (high - low) / CELLS
    policy = POLICIES[name]
    logs = log_density(policy, centres, before(*case, CELLS), np.asarray(BASE_S), np.asarray(CAP_S))
    expected = np.cumsum(np.exp(logs) * width)
    found = np.searchsorted(np.sort(real), edges[1:]) / DRAWS
    assert expected[-1] == pytest.approx(1.0, abs=0.05)
    # The lateness that the density allows for has a longer tail than what was added here.
    assert np.abs(found - expected).max() < (0.1 if np.ptp(shipped_s(name, *case)) > 0.5 else 0.2)


@pytest.mark.parametrize("fleet", [3, 20, 200, 5_000])
def test_what_a_fleet_is_advised_is_what_the_coordinator_advises(fleet: int) -> None:
    settings = CoordinatorSettings(fleet=fleet)
    found = fleet_timing(settings, fleet)
    assert found.base_ms == ADVISED_BASE_S * 1e3
    assert found.cap_ms == round(1e3 * max(ADVISED_CAP_LEAST_S, fleet / settings.admission_per_s))


def test_resuming_is_let_in_as_fast_as_the_coordinator_lets_in() -> None:
    assert RESUMES_FASTER == RESUME_SPEEDUP
