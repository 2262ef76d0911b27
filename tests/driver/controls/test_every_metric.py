"""Every metric can miss a bound: a control moves it, by what its family declares or by any other."""

from __future__ import annotations

from functools import cache

import pytest

from driver.controls.reds import red_of
from driver.histories.history import History
from driver.judging.expectations import questions
from driver.metrics import METRICS, measure
from driver.metrics.metric import Better, Metric, Unit
from driver.scenarios.thresholds import AnchoredThreshold, Threshold, parse_expectation
from tests.driver.controls.test_every_claim import run as system_run
from tests.driver.judge.histories import Past, healthy_herd
from tests.second_judge.test_agreement import history_of

SYSTEM = -1
"""Stands for a run of a foreign system."""
SEEDS = (*range(0, 12, 2), 38, 40, 60, 62, 86, SYSTEM)
SHOWN = ("", "p99", "max")
"""Other statistics of a distribution move as these do."""
CHOSEN = [one.name for one in METRICS.values() if one.statistic in SHOWN]


@cache
def history(seed: int) -> History:
    return system_run() if seed == SYSTEM else history_of(seed)


@cache
def value(seed: int, name: str) -> float | None:
    return measured(seed)[name]


@cache
def measured(seed: int) -> dict[str, float | None]:
    return measure(history(seed)).values


def operators(metric: Metric) -> list[str]:
    return {Better.lower: ["<="], Better.higher: [">="], Better.neither: ["<=", ">="]}[metric.better]


def can_be_missed(metric: Metric, operator: str, bound: float) -> bool:
    """Whether a value beyond the bound is possible: nothing is below zero, and no share above one."""
    return bound > 0 if operator == ">=" else metric.unit is not Unit.ratio or bound < 1


@pytest.mark.parametrize("name", CHOSEN)
def test_a_bound_on_a_metric_that_just_holds_is_missed_on_a_changed_history(name: str) -> None:
    metric = METRICS[name]
    open_ones = set(operators(metric))
    tried = 0
    for seed in SEEDS:
        bound = value(seed, name)
        for operator in sorted(open_ones):
            if bound is not None and can_be_missed(metric, operator, bound):
                expected = Threshold(f"{name} {operator} {bound}", metric, operator, bound)
                [question] = questions([expected])[-1:]
                tried += 1
                if red_of(history(seed), question) is not None:
                    open_ones.discard(operator)
        if not open_ones:
            break
    assert tried, f"{name} has no value in these histories"
    assert len(open_ones) < len(operators(metric)), f"no control moves {name}"


def test_a_bound_after_a_heal_is_missed_in_a_run_that_ended_before_it() -> None:
    expected = parse_expectation("within 28s of heal: connected >= 95% for 3s")
    assert red_of(reconnected_once().history(), questions([expected])[-1]) is not None


def reconnected_once() -> Past:
    """A link is stalled from 20 s on, both ends notice it 6 s later, and work goes on once it is back."""
    past = Past(2)
    past.begin(60.0)
    past.fault("f1", "stall", ["worker-1"], 20.0, 10.0)
    past.lose("worker-1", 26.0, kind="heartbeat_timeout", silent_s=6.1)
    past.connect("worker-1", 30.5, outcome="resumed")
    for number in range(4):
        past.run_task(f"task-{number}", "worker-1", 31.0 + 5 * number)
    past.end(60.0)
    return past


@pytest.mark.parametrize(
    "sentence",
    ["detection_time_max <= 15s", "coordinator_detection_time_max <= 15s", "resume_time_max <= 8s"],
)
def test_a_bound_with_room_is_missed_where_one_loss_after_a_fault_is_all_that_happened(sentence: str) -> None:
    expected = parse_expectation(sentence)
    assert isinstance(expected, Threshold)
    assert red_of(reconnected_once().history(), questions([expected])[-1]) is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "within 15s of heal: connected >= 95% for 3s",
        "within 15s of heal: attempts_per_s <= 90 for 3s",
        "within 15s of heal: completed_per_s >= 1 for 3s",
    ],
)
def test_a_signal_is_bad_for_a_stretch_of_a_changed_history(sentence: str) -> None:
    expected = parse_expectation(sentence)
    assert isinstance(expected, AnchoredThreshold)
    [question] = questions([expected])[-1:]
    red = red_of(healthy_herd().history(), question)
    assert red is not None
    assert red.control in expected.signal.broken_by
