"""Metrics: each defined once, measured from the history, unknown where it cannot say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from driver.histories import events as driver
from driver.histories.run_timeline import run_timeline
from driver.metrics import METRICS, measure
from driver.metrics.catalogue import FAMILIES
from driver.metrics.faults import effects
from driver.metrics.metric import MetricFamily, Unit, percentile
from driver.metrics.storm import busiest
from tests.driver.judge.findings import value
from tests.driver.judge.histories import Past, healthy_herd, ns, small
from wire import events as wire

# -- the catalogue ------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.title)
@pytest.mark.parametrize("past", [Past(0), small(), healthy_herd()], ids=["empty", "quiet", "herd"])
def test_a_family_measures_exactly_the_metrics_that_it_defines(family: MetricFamily, past: Past) -> None:
    assert set(family.measure(past.history())) == {metric.name for metric in family.metrics}


def test_the_unit_of_times_and_sizes_is_last_in_the_name() -> None:
    for metric in METRICS.values():
        if metric.unit in (Unit.seconds, Unit.bytes, Unit.bytes_per_second, Unit.per_second):
            assert metric.name.endswith(f"_{metric.unit.value}"), metric.name


def test_shares_lie_between_nothing_and_all() -> None:
    for name, number in measure(healthy_herd().history()).values.items():
        if METRICS[name].unit is Unit.ratio and number is not None:
            assert 0 <= number <= 1, name


# -- storms and faults ------------------------------


def test_the_way_back_counts_from_the_heal_and_the_worst_heal_is_reported() -> None:
    past = healthy_herd(workers=4, rounds=1)
    assert value("time_to_50_percent_back_s", past) == pytest.approx(0.5)
    assert value("time_to_all_back_s", past) == pytest.approx(1.0)


def test_a_worker_that_never_comes_back_leaves_the_reconnection_unknown() -> None:
    past = healthy_herd(workers=2, rounds=1)
    past.lines["worker-1"] = [
        e for e in past.lines["worker-1"] if not (isinstance(e, wire.Connected) and e.attempt == 2)
    ]
    assert value("time_to_50_percent_back_s", past) == pytest.approx(1.0)
    assert value("time_to_all_back_s", past) is None


def test_amplification_is_attempts_a_worker() -> None:
    assert value("storm_amplification", healthy_herd(workers=3, rounds=1)) == pytest.approx(2.0)


def test_a_faults_effect_has_a_before_a_during_and_an_after() -> None:
    (effect,) = healthy_herd(workers=2, rounds=1).history().view(effects)
    assert effect.before_per_s == pytest.approx(9.5, abs=0.2)
    assert effect.during_per_s == 0
    assert effect.after_per_s == pytest.approx(8, abs=0.2)
    assert effect.clients_cut == 2
    assert effect.recovery_s == pytest.approx(1.0)


def test_time_under_fault_is_a_share_of_what_followed_the_first_fault() -> None:
    past = Past(1)
    past.begin()
    past.fault("one", "latency", ["worker-1"], 10, 5, cuts=False)
    past.fault("two", "latency", ["worker-1"], 12, 8, cuts=False)
    past.end(30)
    assert value("fault_time_ratio", past) == pytest.approx(0.5)


def test_a_fault_whose_end_was_not_recorded_ended_with_the_first_healing_after_it() -> None:
    past = Past(1)
    past.begin()
    past.fault("one", "latency", ["worker-1"], 5, 1, cuts=False)
    past.fault("two", "latency", ["worker-1"], 10, 5, cuts=False)
    past.emit("driver", driver.Healed, 25, links=[], containers=[], left=[], took_ms=1.0)
    past.lines["driver"] = [
        event
        for event in past.lines["driver"]
        if not (isinstance(event, driver.FaultEnded) and event.fault == "two")
    ]
    past.end(30)
    (_, two) = past.history().view(run_timeline).faults
    assert two.ended_ns == ns(15.01)


def test_a_backlog_that_outlasts_the_way_back_is_part_of_recovery() -> None:
    past = healthy_herd(workers=2, rounds=1)
    past.totals(11, waiting=0)
    past.totals(16.5, waiting=5)
    past.totals(25, waiting=0)
    (effect,) = past.history().view(effects)
    assert effect.recovery_s == pytest.approx(8.0)


# -- arithmetic ------------------------------


@given(some.lists(some.floats(0, 1e6), min_size=1), some.sampled_from([50, 90, 99, 100]))
def test_a_percentile_is_the_least_sample_that_the_share_does_not_exceed(
    numbers: list[float], percent: int
) -> None:
    ordered = sorted(numbers)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(1 for number in ordered if number <= found) * 100 >= percent * len(ordered)
    less = [number for number in ordered if number < found]
    assert len(less) * 100 < percent * len(ordered)


@given(some.lists(some.integers(0, 100)), some.integers(1, 20))
def test_the_busiest_span_is_the_fullest_of_all_spans(instants: list[int], span: int) -> None:
    ordered = sorted(instants)
    assert busiest(ordered, span) == max(
        (sum(1 for at in ordered if begin <= at < begin + span) for begin in range(101)), default=0
    )
