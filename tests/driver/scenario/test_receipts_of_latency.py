"""Claims about receipts of latency: it holds through its window, in its direction, at its size."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from driver.judging.receipts import prove
from tests.driver.scenario.line import Line, during
from tests.driver.scenario.prober_story import Story
from tests.driver.scenario.receipt_lines import (
    BEGIN_S,
    END_S,
    FROM_S,
    HIT,
    LINKS,
    SPARED,
    act,
    holding,
    receipt,
    seeds,
    ways,
)
from tests.driver.scenario.test_receipts import act as begun
from tests.driver.scenario.test_receipts import life


@settings(max_examples=25, deadline=None)
@given(
    seed=seeds,
    mean=st.sampled_from([40, 100, 300]),
    way=ways,
)
def test_a_latency_that_holds_is_proved_whatever_the_machine_s_hiccups(
    seed: int, mean: int, way: str
) -> None:
    late = during(BEGIN_S, END_S, mean)
    line = Line(HIT, seed)
    if way != "to_worker":
        line.up_ms = late
    if way != "to_coordinator":
        line.down_ms = late
    proof = receipt(act("latency", mean=f"{mean}ms", direction=way), line)
    assert proof.proved, proof.because
    assert proof.measured["held_share"] > 0.95


@settings(max_examples=25, deadline=None)
@given(seed=seeds, begin_s=st.floats(1.5, 10), length_s=st.floats(2.5, 7))
def test_a_latency_that_was_taken_away_for_a_while_is_not_proved_and_the_gap_is_named(
    seed: int, begin_s: float, length_s: float
) -> None:
    gap = (BEGIN_S + begin_s, BEGIN_S + begin_s + length_s)
    late = holding(BEGIN_S, END_S, 100, gap=gap)
    proof = receipt(act("latency", mean="100ms"), Line(HIT, seed, up_ms=late, down_ms=late))
    assert not proof.proved
    assert "it was gone from" in proof.because
    told = float(proof.because.split("it was gone from ")[1].split()[0])
    assert abs(told - begin_s) < 1.0


def test_a_latency_that_ended_at_12_of_20_s_says_how_much_of_it_is_proved() -> None:
    late = during(BEGIN_S, BEGIN_S + 12, 100)
    proof = receipt(act("latency", mean="100ms"), Line(HIT, up_ms=late, down_ms=late))
    assert not proof.proved
    assert "it was gone from 12.0 to 20.0 s of its 20.0 s" in proof.because
    assert "60% of it is proved" in proof.because


@settings(max_examples=15, deadline=None)
@given(seed=seeds, jitter=st.sampled_from([20, 60, 100]))
@example(seed=3431023, jitter=100)
def test_jitter_alone_is_no_gap(seed: int, jitter: int) -> None:
    line = Line(HIT, seed)
    draws = Line("jitter", seed).draw
    line.down_ms = lambda at_s: 100 + draws.uniform(-jitter, jitter) if BEGIN_S <= at_s < END_S else 0
    proof = receipt(act("latency", mean="100ms", jitter=f"{jitter}ms", direction="to_worker"), line)
    assert proof.proved, proof.because


def test_wide_jitter_does_not_prove_a_latency_of_a_quarter_of_the_size() -> None:
    line = Line(HIT, 7)
    draws = Line("jitter", 7).draw
    line.down_ms = lambda at_s: 25 + draws.uniform(-25, 25) if BEGIN_S <= at_s < END_S else 0
    proof = receipt(act("latency", mean="100ms", jitter="100ms", direction="to_worker"), line)
    assert not proof.proved


@settings(max_examples=20, deadline=None)
@given(seed=seeds, asked=st.sampled_from(["to_worker", "to_coordinator"]))
def test_a_latency_of_the_other_direction_is_not_proved(seed: int, asked: str) -> None:
    late = during(BEGIN_S, END_S, 100)
    line = Line(HIT, seed, up_ms=late) if asked == "to_worker" else Line(HIT, seed, down_ms=late)
    proof = receipt(act("latency", mean="100ms", direction=asked), line)
    assert not proof.proved
    assert f"asked was 100 ms {asked}" in proof.because


def test_latencies_of_two_directions_at_once_are_both_proved() -> None:
    up, down = during(BEGIN_S, END_S, 100), during(BEGIN_S + 5, END_S - 5, 250)
    first = act("latency", mean="100ms", direction="to_coordinator")
    second = act(
        "latency", id="f2", mean="250ms", direction="to_worker", begin_s=BEGIN_S + 5, end_s=END_S - 5
    )
    for one in (first, second):
        proof = receipt(one, Line(HIT, up_ms=up, down_ms=down), acts=[first, second])
        assert proof.proved, proof.because


def test_a_latency_of_a_link_that_is_squeezed_as_well_is_proved() -> None:
    late, narrow = during(BEGIN_S, END_S, 100), during(BEGIN_S, END_S, 64_000, 8e6)
    draws = Line("squeezed").draw
    slower = lambda at_s: late(at_s) + (draws.choice([0, 0, 180]) if BEGIN_S <= at_s < END_S else 0)  # noqa: E731
    line = Line(HIT, up_ms=slower, down_ms=slower, up_bytes_per_s=narrow, down_bytes_per_s=narrow)
    latency, squeeze = act("latency", mean="100ms"), act("bandwidth", id="f2", rate="64KB/s")
    proof = receipt(latency, line, acts=[latency, squeeze])
    assert proof.proved, proof.because


def test_stretches_without_quiet_between_them_are_measured_against_the_quiet_before_the_first() -> None:
    late = lambda at_s: 100 if at_s >= BEGIN_S and (at_s - BEGIN_S) % 2 < 1.2 and at_s < 30 else 0  # noqa: E731
    stretches = [
        act("latency", id=f"flap-{at_s:g}", mean="100ms", begin_s=at_s, end_s=at_s + 1.2)
        for at_s in (20.0, 22.0, 24.0, 26.0, 28.0)
    ]
    for one in stretches:
        proof = receipt(one, Line(HIT, up_ms=late, down_ms=late, probes_per_s=16), acts=stretches)
        assert proof.proved, proof.because


def test_a_fault_that_ended_while_the_coordinator_was_away_is_seen_to_have_ended_when_it_is_back() -> None:
    story = Story()
    Line(HIT, up_ms=during(BEGIN_S, 30, 100), down_ms=during(BEGIN_S, 30, 100)).emit(story, FROM_S, 30)
    Line(SPARED).emit(story, FROM_S, 30)
    for link in LINKS:
        story.ended(link, 30.1, "fin")
        Line(link).emit(story, 44, 60)
    life(story, 43, "coordinator")
    latency, kill = act("latency", mean="100ms", end_s=31.0), begun("kill", ["coordinator"], "f2", 30, 32)
    proof = prove([latency, kill], story.history(), LINKS)[0]
    assert proof.proved, proof.because
