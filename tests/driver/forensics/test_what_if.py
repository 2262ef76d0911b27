"""A what-if says beforehand what real workers do afterwards, and recommends only what is clearly better."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from driver.forensics.analysis import ForensicAnalysis, analyse
from driver.forensics.recommend import recommend
from driver.forensics.settings import ADVISED_BASE_S, ADVISED_CAP_LEAST_S
from driver.forensics.storm_model import StormModel, storm_models
from driver.forensics.storm_simulation import PolicySetting, simulate
from driver.forensics.what_if import PolicyOutcome, Range, what_if
from driver.histories.history import History
from driver.metrics import measure
from tests.driver.forensics.fleets import Fleet
from tests.driver.judge.histories import Past
from wire.policies import POLICIES
from wire.settings import CoordinatorSettings

BASE_S, CAP_S, OUTAGE_S = 0.1, 1.0, 12.0


@cache
def lived(policy: str) -> History:
    return Fleet((policy,), 20, 2, (OUTAGE_S, OUTAGE_S), seed=3).history()


@cache
def analysed(policy: str) -> ForensicAnalysis:
    return analyse(lived(policy))


def scene(
    workers: int = 20, outage_s: float = 10.0, rate_per_s: float = 200.0, burst: int = 80
) -> StormModel:
    return StormModel(
        fault="cut",
        healed_s=outage_s,
        knew_s=np.full(workers, 0.01),
        opens_s=np.full(workers, outage_s),
        resumes=np.ones(workers, dtype=np.bool_),
        failing_s=np.array([0.002]),
        handshake_s=np.array([0.02]),
        hung_s=np.array([]),
        hung_through=np.array([], dtype=np.bool_),
        rate_per_s=rate_per_s,
        burst=burst,
    )


def chosen(name: str, base_s: float = BASE_S, cap_s: float = CAP_S) -> PolicySetting:
    return PolicySetting(POLICIES[name], base_s, cap_s)


def row(
    name: str, back_s: float, at_once: float = 5.0, each: float = 10.0, peak: float = 20.0
) -> PolicyOutcome:
    def near(value: float) -> Range:
        return Range(value, 0.9 * value, 1.1 * value)

    back = near(back_s)
    return PolicyOutcome(chosen(name), (back, back, back), near(peak), near(at_once), near(each))


@pytest.mark.parametrize("policy", POLICIES)
def test_another_fleets_outages_foretell_what_workers_with_a_policy_do(policy: str) -> None:
    """From the journals of a fleet that waited by full jitter: what fleets with the others did."""
    predicted = analysed("full_jitter").what_if
    assert predicted is not None
    expected = next(one for one in predicted.rows if one.name == policy)
    truth = measure(lived(policy)).values
    back_s, each = truth["time_to_all_back_s"], truth["storm_amplification"]
    assert back_s is not None
    assert each is not None
    # Two storms happened once; nine of ten draws lie in the range.
    assert 0.8 * expected.all_back_s.low - 0.1 <= back_s <= 1.2 * expected.all_back_s.high + 0.1
    assert each == pytest.approx(expected.attempts_each.mean, rel=0.25)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_replay_of_the_policy_as_it_was_agrees_with_the_run(policy: str) -> None:
    found = analysed(policy).what_if
    assert found is not None
    assert found.was.name == policy
    assert found.holds


def test_a_policy_that_sleeps_too_long_gets_advice_with_a_figure() -> None:
    found = analysed("seed").what_if
    assert found is not None
    assert found.recommendation is not None
    assert found.recommendation.sooner
    assert found.recommendation.better.all_back_s.high < found.was.all_back_s.low - 1


def test_a_fleet_that_is_back_within_a_second_is_left_as_it_is() -> None:
    found = analysed("slotted").what_if
    assert found is not None
    assert found.recommendation is None


def test_rejected_workers_come_back_slot_by_slot_at_the_rate_of_admission() -> None:
    slow = scene(100, rate_per_s=20.0, burst=20)
    played = simulate(slow, chosen("slotted"), 20)
    # 80 workers wait for admission, at 20 a second.
    assert played.back_s.max(axis=1).mean() == pytest.approx(4.0, abs=0.6)


def test_the_slots_are_those_that_the_coordinator_gives() -> None:
    settings = CoordinatorSettings(admission_per_s=2.0, admission_burst=1)
    fleet = Fleet(("full_jitter",), 40, 1, (6.0, 6.0), seed=2, settings=settings, base_ms=100, cap_ms=1_000)
    found = analyse(fleet.history()).what_if
    assert found is not None
    assert found.measured_s == pytest.approx(found.was.all_back_s.mean, rel=0.2)
    assert found.measured_s is not None
    assert found.measured_s > 4


def hanging(*, through: bool) -> StormModel:
    """A link that swallows all: attempts last 5 s, or until it is healed."""
    return replace(
        scene(outage_s=12.0),
        failing_s=np.array([5.0]),
        hung_s=np.array([0.03]),
        hung_through=np.array([through]),
    )


def test_attempts_that_hang_until_the_heal_are_through_when_they_were_in_the_run() -> None:
    back_s = simulate(hanging(through=True), chosen("full_jitter"), 20).back_s
    assert back_s == pytest.approx(0.03, abs=0.001)


def test_attempts_that_the_heal_cuts_off_are_followed_by_another_wait() -> None:
    back_s = simulate(hanging(through=False), chosen("fixed"), 20).back_s
    assert back_s == pytest.approx(0.03 + 0.1 + 0.0015 + 0.02, abs=0.02)


@pytest.mark.parametrize(("ended", "through"), [("connected", True), ("failed", False)])
def test_what_hung_in_a_run_is_distinguished_from_what_failed_by_itself(ended: str, through: bool) -> None:
    past = Past(2)
    past.begin()
    past.fault("hole", "blackhole", past.workers, 10, 8)
    for worker in past.workers:
        past.lose(worker, 14)
        past.fail_to_connect(worker, 17, attempt=1, took_s=2.0)
        if ended == "connected":
            past.connect(worker, 18.5, outcome="resumed", attempt=2, took_s=1.0)
        else:
            past.fail_to_connect(worker, 18.5, attempt=2, took_s=1.0)
            past.connect(worker, 19, outcome="resumed", attempt=3, took_s=0.1)
    past.end(60)
    found = storm_models(past.history())[0]
    assert found.hung_s == pytest.approx([0.5, 0.5], abs=0.02)
    assert set(found.hung_through.tolist()) == {through}
    assert found.failing_s == pytest.approx([2.0, 2.0])


def test_an_hour_of_attempts_is_counted_and_not_played_one_by_one() -> None:
    played = simulate(scene(5, outage_s=3_600.0), chosen("fixed"), 4)
    each = played.attempts / 5
    assert each == pytest.approx(3_600 / (0.1 + 0.002 + 0.0015), rel=0.02)
    assert played.peak_per_s == pytest.approx(5 / 0.1035, rel=0.15)
    assert (played.back_s < 0.2).all()


def test_without_a_storm_there_is_nothing_to_play() -> None:
    assert what_if([], chosen("fixed"), BASE_S, CAP_S) == []


def test_the_range_holds_nine_of_ten_draws_of_another_chance() -> None:
    one = scene(8)
    rows = what_if([one], chosen("full_jitter"), BASE_S, CAP_S)
    expected = next(found for found in rows if found.name == "full_jitter").all_back_s
    other = simulate(one, chosen("full_jitter"), 400, seed=99).back_s.max(axis=1)
    inside = ((other >= expected.low) & (other <= expected.high)).mean()
    assert 0.84 <= inside <= 0.96


# -- what is recommended -------------------------------------


def test_of_those_about_as_soon_the_one_with_fewest_at_once_is_recommended() -> None:
    was = row("seed", 9.0)
    rows = [
        was,
        row("fixed", 0.1, at_once=20),
        row("slotted", 0.8, at_once=4),
        row("full_jitter", 0.7, at_once=9),
    ]
    found = recommend(rows, was, bearable_per_s=200)
    assert found is not None
    assert found.better.name == "slotted"


def test_nothing_is_recommended_that_connects_faster_than_can_be_admitted() -> None:
    was = row("seed", 9.0)
    assert recommend([was, row("none", 0.01, peak=5_000)], was, bearable_per_s=200) is None


def test_a_gain_of_less_than_a_second_is_no_reason_to_change() -> None:
    was = row("slotted", 0.95)
    assert recommend([was, row("fixed", 0.1)], was, bearable_per_s=200) is None


def test_a_policy_that_connects_far_too_often_gets_the_advice_of_a_gentler_one_that_is_about_as_soon() -> (
    None
):
    was = row("none", 0.05, at_once=150, each=1_500, peak=1_500)
    found = recommend([was, row("slotted", 0.8, at_once=5, each=16)], was, bearable_per_s=200)
    assert found is not None
    assert not found.sooner
    assert found.better.name == "slotted"


def test_a_figure_that_is_half_in_the_mean_alone_recommends_nothing() -> None:
    was = row("none", 0.05, at_once=150, each=1_500, peak=1_500)
    wide = replace(row("slotted", 0.8, at_once=5, each=16), at_once=Range(5, 1, 160))
    assert recommend([was, wide], was, bearable_per_s=200) is None


def test_workers_that_were_set_otherwise_may_take_the_coordinators_advice() -> None:
    set_so = Fleet(("full_jitter",), 20, 1, (20.0, 20.0), seed=3, base_ms=500, cap_ms=30_000)
    found = analyse(set_so.history()).what_if
    assert found is not None
    advised = [one for one in found.rows if one.name == "full_jitter" and one is not found.was]
    assert [(one.chosen.base_s, one.chosen.cap_s) for one in advised] == [
        (ADVISED_BASE_S, ADVISED_CAP_LEAST_S)
    ]
    assert found.recommendation is not None
    assert found.recommendation.better is advised[0]
