"""Claims about the links that a fault should spare: noise is no effect, and an effect is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver.judging.receipts import Proof, prove
from tests.driver.scenario.line import Line, always, during
from tests.driver.scenario.prober_story import Story
from tests.driver.scenario.receipt_lines import (
    BEGIN_S,
    END_S,
    FROM_S,
    HIT,
    SPARED,
    UNTIL_S,
    act,
    late_line,
    receipt,
    seeds,
)
from tests.driver.scenario.test_receipts import act as begun
from tests.driver.scenario.test_receipts import life


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_a_machine_s_hiccups_are_no_straying(seed: int) -> None:
    hit, spared = late_line(), Line(SPARED, seed, probes_per_s=2)
    proof = receipt(act("latency", mean="100ms"), hit, spared)
    assert proof.spared == [SPARED], proof.because


def beside_a_silence(lasted_s: float, *, whole: bool = True) -> Proof:
    """A latency on a link, and a silence of a link that it should spare."""
    story = Story()
    late_line().emit(story, FROM_S, UNTIL_S)
    Line(SPARED).emit(story, FROM_S, UNTIL_S)
    story.silent(SPARED, BEGIN_S + 5, BEGIN_S + 5 + lasted_s, whole=whole)
    return prove([act("latency", mean="100ms")], story.history(), [HIT, SPARED])[0]


def test_a_short_silence_after_which_every_byte_came_is_a_hiccup_of_the_machine() -> None:
    proof = beside_a_silence(1.6)
    assert (proof.proved, proof.spared) == (True, [SPARED]), proof.because


@pytest.mark.parametrize(
    ("lasted_s", "whole"), [(2.5, True), (1.6, False)], ids=["a long one", "one in which bytes vanished"]
)
def test_another_silence_of_a_spared_link_is_named_with_its_time(lasted_s: float, whole: bool) -> None:
    proof = beside_a_silence(lasted_s, whole=whole)
    assert (proof.proved, proof.strayed) == (False, [SPARED])
    assert f"it fell silent, from 5.0 to {5 + lasted_s} s" in proof.because


@settings(max_examples=20, deadline=None)
@given(
    seed=seeds,
    ms=st.sampled_from([60, 100, 140]),
    length_s=st.floats(4, 20),
    way=st.sampled_from(["up", "down"]),
)
def test_a_spared_link_that_was_slowed_is_named(seed: int, ms: int, length_s: float, way: str) -> None:
    late = during(BEGIN_S, BEGIN_S + length_s, ms)
    spared = Line(SPARED, seed, probes_per_s=2, **{f"{way}_ms": late})  # type: ignore[arg-type]
    proof = receipt(act("latency", mean="100ms"), late_line(), spared)
    assert (proof.proved, proof.strayed) == (False, [SPARED])
    assert "worker-2 should be unaffected" in proof.because
    assert "no fault asks for it" in proof.because


def test_a_spared_link_whose_cable_was_narrowed_is_named() -> None:
    narrow = during(BEGIN_S, END_S, 31_000, 8e6)
    spared = Line(SPARED, up_bytes_per_s=narrow, down_bytes_per_s=narrow)
    proof = receipt(act("latency", mean="100ms"), late_line(), spared)
    assert (proof.proved, proof.strayed) == (False, [SPARED])
    assert "B/s, before it at" in proof.because


FOUR = [HIT, SPARED, "worker-3", "worker-4"]


def beside_a_busy_coordinator(
    seed: int, busy_s: dict[str, tuple[float, float]], restart_s: float | None, ms: float = 80
) -> Proof:
    """A latency from 20 s to 40 s after a kill of the coordinator; links are late while it is `busy_s`."""
    story = Story()
    for link in FOUR:
        busy = during(*busy_s[link], ms) if link in busy_s else always(0)
        hit = during(BEGIN_S, END_S, 100 if link == HIT else 0)
        up = lambda at_s, busy=busy, hit=hit: busy(at_s) + hit(at_s)  # noqa: E731
        Line(link, seed, up_ms=up, down_ms=hit, probes_per_s=2).emit(story, 3, UNTIL_S)
    life(story, 1, "coordinator")
    acts = [act("latency", mean="100ms")]
    if restart_s is not None:
        life(story, restart_s, "coordinator")
        acts.append(begun("kill", ["coordinator"], "f2", restart_s - 2, restart_s - 0.5))
    return prove(acts, story.history(), FOUR)[0]


@settings(max_examples=20, deadline=None)
@given(seed=seeds, busy_from_s=st.floats(20, 22), length_s=st.floats(3, 8))
def test_links_that_are_all_slow_after_a_restart_of_the_coordinator_are_not_said_to_be_hit(
    seed: int, busy_from_s: float, length_s: float
) -> None:
    busy = dict.fromkeys(FOUR, (busy_from_s, busy_from_s + length_s))
    proof = beside_a_busy_coordinator(seed, busy, restart_s=18.0)
    assert proof.proved, proof.because
    assert (proof.strayed, proof.spared) == ([], [])
    assert "all other links were slow after a restart of the coordinator" in proof.because


def test_a_latency_that_looks_like_a_restart_of_the_coordinator_is_not_proved_and_hit_no_other_link() -> None:
    story, late = Story(), during(BEGIN_S, BEGIN_S + 6, 100)
    for link in FOUR:
        Line(link, up_ms=late, down_ms=late).emit(story, 3, UNTIL_S)
    life(story, 1, "coordinator")
    life(story, 18, "coordinator")
    kill = begun("kill", ["coordinator"], "f2", 16, 17.5)
    proof = prove([act("latency", mean="100ms", end_s=BEGIN_S + 4), kill], story.history(), FOUR)[0]
    assert (proof.proved, proof.strayed) == (False, []), proof.because
    assert "the other links show the same, after a restart of the coordinator" in proof.because


@pytest.mark.parametrize(
    ("busy_s", "restart_s"),
    [
        ({SPARED: (22, 28), "worker-3": (22, 28)}, 18.0),
        ({SPARED: (21, 25), "worker-3": (27, 31), "worker-4": (27, 31)}, 18.0),
        (dict.fromkeys(FOUR[1:], (22.0, 28.0)), None),
    ],
    ids=["two of three links", "one after the other", "without a restart"],
)
def test_other_slowness_of_spared_links_is_named(
    busy_s: dict[str, tuple[float, float]], restart_s: float | None
) -> None:
    proof = beside_a_busy_coordinator(0, busy_s, restart_s)
    assert not proof.proved
    assert set(proof.strayed) == set(busy_s)
    assert "no fault asks for it" in proof.because
