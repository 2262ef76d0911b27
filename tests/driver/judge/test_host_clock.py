"""A host's clock, from round trips to it: bounds that hold, bounds that are narrow, and jumps."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver.histories.host_clock import ClockReading, Estimate, HostClock
from tests.driver.judge.host_clocks import SECOND_NS, TrueClock, drawn_clock

BEGIN_NS = 1000 * SECOND_NS
seeds = st.integers(0, 1 << 32)


def readings_of(clock: TrueClock, draw: random.Random, seconds: int, most_rtt_us: int) -> list[ClockReading]:
    """A reading each second or so, each of whose ways takes any part of its round trip."""
    at_ns, made = BEGIN_NS, []
    for _ in range(seconds):
        rtt_ns = draw.randint(50, most_rtt_us) * 1000
        out_ns = draw.randint(0, rtt_ns)
        made.append(clock.reading(at_ns, out_ns, rtt_ns - out_ns))
        at_ns += draw.randint(SECOND_NS // 2, 2 * SECOND_NS)
    return made


@given(seeds, st.integers(1, 60), st.integers(51, 20_000))
def test_the_true_instant_is_always_within_the_bounds(seed: int, seconds: int, most_rtt_us: int) -> None:
    draw = random.Random(seed)
    clock = drawn_clock(draw, BEGIN_NS)
    read = HostClock(readings_of(clock, draw, seconds, most_rtt_us))
    assert read.jumps == []
    for _ in range(50):
        at_ns = BEGIN_NS + draw.randint(-5 * SECOND_NS, (seconds + 5) * SECOND_NS)
        host_ns = clock.host_ns(at_ns)
        assert read.estimate(host_ns, Estimate.earliest) <= at_ns <= read.estimate(host_ns, Estimate.latest)
        assert abs(read.estimate(host_ns) - at_ns) <= read.bound_ns(host_ns)


@given(seeds, st.sampled_from(list(Estimate)))
def test_events_of_one_host_keep_their_order(seed: int, which: Estimate) -> None:
    draw = random.Random(seed)
    clock = drawn_clock(draw, BEGIN_NS)
    read = HostClock(readings_of(clock, draw, 30, 5_000))
    instants = sorted(clock.host_ns(BEGIN_NS + draw.randint(0, 60 * SECOND_NS)) for _ in range(200))
    converted = [read.estimate(host_ns, which) for host_ns in instants]
    assert converted == sorted(converted)


def test_at_a_reading_the_bound_is_half_its_round_trip_at_most() -> None:
    clock = TrueClock(90 * SECOND_NS, BEGIN_NS, [200])
    rtts_us = (3000, 400, 5000)
    readings = [
        clock.reading(BEGIN_NS + second * SECOND_NS, rtt_us * 500, rtt_us * 500)
        for second, rtt_us in enumerate(rtts_us)
    ]
    read = HostClock(readings)
    assert [read.bound_ns(one.host_ns) for one in readings] == pytest.approx(
        # A worse reading has the bound of the best one, and what may have drifted since.
        [200_000 + 1_000_000, 200_000, 200_000 + 1_000_000], rel=0.01,
    )  # fmt: skip


def test_without_readings_the_bound_grows_by_what_clocks_can_drift() -> None:
    read = HostClock([ClockReading(1_000_000, 0, 1_000_000)])
    assert read.bound_ns(10 * SECOND_NS) == 10 * SECOND_NS // 1000


def test_a_clock_that_is_read_without_delay_has_no_error_there() -> None:
    read = HostClock([ClockReading(5_000, 77, 5_000)])
    assert (read.estimate(77), read.bound_ns(77)) == (5_000, 0)


@pytest.mark.parametrize("by_s", [-120.0, -0.05, 0.05, 120.0])
def test_a_clock_that_jumps_is_found_with_the_size_of_its_jump(by_s: float) -> None:
    before = TrueClock(300 * SECOND_NS, BEGIN_NS, [50] * 9)
    after = TrueClock(300 * SECOND_NS + round(by_s * 1e9), BEGIN_NS, [50] * 9)
    readings = [
        (before if second < 10 else after).reading(BEGIN_NS + second * SECOND_NS, 200_000, 200_000)
        for second in range(20)
    ]
    (jump,) = HostClock(readings).jumps
    assert jump.by_ns / 1e9 == pytest.approx(by_s, abs=0.002)


def test_a_clock_that_drifts_more_than_the_kernel_corrects_is_a_jump() -> None:
    clock = TrueClock(0, BEGIN_NS, [5_000])
    readings = [clock.reading(BEGIN_NS + second * SECOND_NS, 100_000, 100_000) for second in range(5)]
    assert HostClock(readings).jumps
