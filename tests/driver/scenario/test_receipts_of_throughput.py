"""Claims about receipts of throttles: through their window, in their direction, below the link's own rate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.driver.scenario.line import Line, always, during
from tests.driver.scenario.receipt_lines import BEGIN_S, END_S, HIT, act, holding, receipt, seeds, ways


def test_a_throttle_that_was_lifted_in_the_middle_is_not_proved() -> None:
    rate = holding(BEGIN_S, END_S, 64_000, 8e6, gap=(BEGIN_S + 8, BEGIN_S + 13))
    proof = receipt(act("bandwidth", rate="64KB/s"), Line(HIT, up_bytes_per_s=rate, down_bytes_per_s=rate))
    assert not proof.proved
    assert "it was gone from" in proof.because


def test_a_throttle_that_was_taken_away_early_is_reported_with_the_time_at_which_it_was_gone() -> None:
    rate = during(BEGIN_S, BEGIN_S + 6, 64_000, 8e6)
    proof = receipt(act("bandwidth", rate="64KB/s"), Line(HIT, up_bytes_per_s=rate, down_bytes_per_s=rate))
    assert not proof.proved
    told = float(proof.because.split("it was gone from ")[1].split()[0])
    assert 4.0 < told < 6.5


@pytest.mark.parametrize("rate", ["5MB/s", "30MB/s"])
def test_a_throttle_that_the_link_meets_by_itself_proves_nothing(rate: str) -> None:
    proof = receipt(
        act("bandwidth", rate=rate), Line(HIT, up_bytes_per_s=always(6e6), down_bytes_per_s=always(6e6))
    )
    assert not proof.proved
    assert "the link by itself carried" in proof.because
    assert "proves nothing" in proof.because


@settings(max_examples=20, deadline=None)
@given(
    seed=seeds,
    way=ways,
    rate=st.sampled_from([16, 64, 400]),
)
def test_a_throttle_well_below_the_link_s_own_rate_is_proved_each_way(seed: int, way: str, rate: int) -> None:
    limit = during(BEGIN_S, END_S, rate * 1000, 8e6)
    line = Line(HIT, seed)
    if way != "to_worker":
        line.up_bytes_per_s = limit
    if way != "to_coordinator":
        line.down_bytes_per_s = limit
    proof = receipt(act("bandwidth", rate=f"{rate}KB/s", direction=way), line)
    assert proof.proved, proof.because


@pytest.mark.parametrize(("asked", "is_up"), [("to_worker", True), ("to_coordinator", False)])
def test_a_throttle_of_the_other_direction_is_not_proved(asked: str, is_up: bool) -> None:
    limit = during(BEGIN_S, END_S, 64_000, 8e6)
    line = Line(HIT, up_bytes_per_s=limit) if is_up else Line(HIT, down_bytes_per_s=limit)
    assert not receipt(act("bandwidth", rate="64KB/s", direction=asked), line).proved
