"""Expectations that a scenario's `expect` allows, and those that are refused with a sentence."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from driver.metrics import METRICS
from driver.metrics.metric import Unit
from driver.metrics.quantities import SCALES, parse_quantity, write
from driver.scenarios.thresholds import (
    AnchoredThreshold,
    NamedCheck,
    Threshold,
    parse_expectation,
    parse_expectations,
)


def threshold(text: str) -> Threshold:
    parsed = parse_expectation(text)
    assert isinstance(parsed, Threshold)
    return parsed


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("reconnection_time_p99_s <= 5", "reconnection_time_p99_s", 5.0),
        ("reconnection_time_p99 <= 5s", "reconnection_time_p99_s", 5.0),
        ("reconnection_time_p99   <=   250ms", "reconnection_time_p99_s", 0.25),
        ("reconnection_time_p99_s <= 2 min", "reconnection_time_p99_s", 120.0),
        ("task_success_rate >= 95%", "task_success_rate", 0.95),
        ("task_success_rate >= 0.95", "task_success_rate", 0.95),
        ("memory_worker_max <= 30MiB", "memory_worker_max_bytes", 30 * 2**20),
        ("reconnections >= 60", "reconnections", 60.0),
        ("message_throughput >= 400/s", "message_throughput_per_s", 400.0),
        ("tasks_lost == 0", "tasks_lost", 0.0),
    ],
)
def test_a_threshold_is_read_in_the_metrics_own_unit(text: str, metric: str, value: float) -> None:
    parsed = threshold(text)
    assert parsed.metric.name == metric
    assert parsed.value == pytest.approx(value)


def test_an_anchored_expectation_has_its_anchor_its_time_and_how_long_it_must_hold() -> None:
    parsed = parse_expectation("within 15s of heal: connected >= 95% for 10s")
    assert isinstance(parsed, AnchoredThreshold)
    assert (parsed.anchor, parsed.within_s, parsed.hold_s) == ("heal", 15.0, 10.0)
    assert (parsed.signal.name, parsed.operator, parsed.value) == ("connected", ">=", 0.95)


def test_an_anchored_expectation_need_not_hold_for_any_time() -> None:
    parsed = parse_expectation("within 2s of fault: connected <= 70%")
    assert isinstance(parsed, AnchoredThreshold)
    assert parsed.hold_s == 0


def test_a_named_check_is_an_expectation() -> None:
    parsed = parse_expectation("nothing_lost")
    assert isinstance(parsed, NamedCheck)
    assert parsed.text == "nothing_lost"


def test_a_check_may_be_given_numbers_of_the_scenarios_own() -> None:
    (parsed,) = parse_expectations([{"no_starvation": {"picks": 60}}])
    assert isinstance(parsed, NamedCheck)
    assert parsed.params == {"picks": 60.0}


def test_a_check_that_a_scenario_names_requires_what_it_is_about() -> None:
    parsed = parse_expectation("workers_were_cut_off")
    assert isinstance(parsed, NamedCheck)
    assert parsed.params["required"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reconection_time_p99 <= 5s", "reconnection_time_p99_s"),
        ("nothing_lst", "Did you mean nothing_lost"),
        ("reconnection_time_p99 <= 5", "needs a unit"),
        ("reconnection_time_p99 <= 5%", "is no unit here"),
        ("reconnection_time_p99 <= soon", "expected a number with its unit"),
        ("task_success_rate >= 101%", "never above 100 %"),
        ("task_success_rate > 100%", "always fails"),
        ("reconnection_time_p99 <= -1s", "never below zero"),
        ("reconnections < 0", "always fails"),
        ("within 15s of healing: connected >= 95%", "Did you mean heal"),
        ("within 0s of heal: connected >= 95%", "above zero"),
        ("within 15s of heal: conected >= 95%", "Did you mean connected"),
        ("within 15s of heal: connected", "expected a comparison"),
        ("all is well", "expected a threshold"),
        ("", "expected a threshold"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_that_helps(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_expectation(text)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"no_starvation": {"pics": 60}}, "Did you mean picks"),
        ({"no_starvation": {"picks": 0}}, "must be 1 or more"),
        ({"no_starvation": {"picks": "many"}}, "must be a number"),
        ({"no_starvation": 60}, "must be followed by its numbers"),
        ({"nothing_lost": {"more": 1}}, "it takes none"),
        (17, "expected a text"),
    ],
)
def test_a_checks_wrong_numbers_are_refused_with_a_sentence(entry: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_expectations([entry])


@given(some.text(max_size=60))
def test_any_text_is_read_or_refused_but_never_breaks(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_expectation(text)


@given(
    some.sampled_from(sorted(METRICS)),
    some.sampled_from(["<=", ">=", "<", ">", "=="]),
    some.floats(min_value=0.01, max_value=0.99),
)
def test_every_metric_takes_a_threshold_in_each_of_its_units(name: str, sign: str, number: float) -> None:
    unit = METRICS[name].unit
    for written, scale in SCALES[unit].items():
        if written == "" and unit in (Unit.seconds, Unit.bytes):
            continue
        parsed = threshold(f"{name} {sign} {number!r}{written}")
        named = written == "" and name.endswith(f"_{unit.value}")
        assert parsed.value == pytest.approx(number if named else number * scale)


@given(some.floats(min_value=0, max_value=1e12), some.sampled_from(["s", "ms", "%", "MiB", ""]))
def test_a_number_and_its_unit_are_distinguished(number: float, unit: str) -> None:
    parsed = parse_quantity(f"{number!r} {unit}")
    assert (parsed.number, parsed.unit) == (number, unit)


@given(some.floats(min_value=0, max_value=1e9), some.sampled_from(list(Unit)))
def test_every_value_can_be_written_for_people(value: float, unit: Unit) -> None:
    assert write(value, unit)
    assert not math.isnan(value)


def test_an_unknown_value_is_written_as_unknown() -> None:
    assert write(None, Unit.seconds) == "unknown"
