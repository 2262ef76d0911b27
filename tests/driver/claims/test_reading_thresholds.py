"""Claims about thresholds and signals on readings: what is unknown is neither good nor bad."""

from __future__ import annotations

import pytest

from driver.checks.finding import Finding, Status
from driver.claims import Names
from driver.judging.expectations import all_findings
from driver.metrics import measure
from driver.scenarios.thresholds import AnchoredThreshold, parse_expectation
from tests.driver.claims.system_past import SystemPast

NAMES = Names(observations={"queue": None, "memory": None, "stored": ["id"], "q.a-1": None})
PASSED, FAILED, UNKNOWN = Status.passed, Status.failed, Status.unknown
RECOVERS = "within 10s of heal: queue == 0 for 5s"


def found(past: SystemPast, sentence: str) -> Finding:
    """The finding of one line of `expect`."""
    history = past.history()
    expectation = parse_expectation(sentence, NAMES, on_system=True)
    return next(
        one for one in all_findings(history, measure(history), [expectation]) if one.check == sentence
    )


def past(*numbers: float | None, end_s: float = 60.0) -> SystemPast:
    """A run with a cut from 10 s to 20 s, and a reading of `queue` each second from 0 s on."""
    made = SystemPast(end_s)
    made.fault("cut-1", "cut", 10.0, 10.0)
    for second, number in enumerate(numbers):
        made.number("queue", float(second), number)
    return made


def steady(begin: int, number: float | None = 0.0) -> list[float | None]:
    """Readings of a queue that grows in the cut, and is `number` from second `begin` to second 58."""
    return [*([0.0] * 10), *([9.0] * (begin - 10)), *([number] * (59 - begin))]


# -- within … of heal --------------------------------------------------------------------------------------


def test_a_queue_that_is_empty_again_in_time_passes() -> None:
    finding = found(past(*steady(25)), RECOVERS)
    assert finding.status is PASSED
    assert finding.measured == pytest.approx(5.01)


def test_a_queue_that_is_empty_too_late_fails() -> None:
    assert found(past(*steady(33)), RECOVERS).status is FAILED


def test_a_queue_that_is_not_empty_for_long_enough_fails() -> None:
    numbers = steady(25)
    numbers[28], numbers[33] = 1.0, 1.0
    numbers[38:] = [2.0] * (len(numbers) - 38)
    assert found(past(*numbers), RECOVERS).status is FAILED


def test_readings_that_failed_in_the_deciding_time_make_it_unknown() -> None:
    finding = found(past(*steady(22, None)), RECOVERS)
    assert finding.status is UNKNOWN
    assert "readings that are missing may have shown it" in finding.because


def test_a_failed_reading_breaks_a_stretch_and_one_that_follows_counts() -> None:
    numbers = steady(21)
    numbers[23] = None
    assert found(past(*numbers), RECOVERS).measured == pytest.approx(4.01)


def test_failed_readings_beside_the_deciding_time_change_nothing() -> None:
    numbers = steady(33)
    numbers[15] = numbers[40] = None
    assert found(past(*numbers), RECOVERS).status is FAILED


def test_a_time_without_readings_is_not_good() -> None:
    numbers = steady(21)[:23]
    assert found(past(*numbers), RECOVERS).status is UNKNOWN


def every_30_s(*after: tuple[float, float]) -> SystemPast:
    """A cut from 10 s to 20 s, and readings of a queue: empty every 30 s until it, then others."""
    made = SystemPast()
    made.fault("cut-1", "cut", 10.0, 10.0)
    for at_s, number in ((-55.0, 0.0), (-25.0, 0.0), (5.0, 0.0), *after):
        made.number("queue", at_s, number)
    return made


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ((), UNKNOWN),
        (((35.0, 0.0),), UNKNOWN),
        (((35.0, 9.0),), UNKNOWN),
        (((25.0, 0.0), (55.0, 0.0)), PASSED),
        (((25.0, 9.0), (55.0, 0.0)), FAILED),
    ],
)
@pytest.mark.parametrize("sentence", [RECOVERS, "within 10s of heal: queue == 0"])
def test_a_reading_from_before_the_heal_shows_nothing_of_after_it(
    after: tuple[tuple[float, float], ...], status: Status, sentence: str
) -> None:
    assert found(every_30_s(*after), sentence).status is status


def test_an_observation_without_any_reading_is_unknown() -> None:
    assert found(past(), RECOVERS).status is UNKNOWN


# -- thresholds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("queue_max <= 9", PASSED),
        ("queue_max < 9", FAILED),
        ("queue_max >= 9", PASSED),
        ("queue_min >= 0", PASSED),
        ("queue_min > 0", FAILED),
        ("queue_last == 0", UNKNOWN),
    ],
)
def test_readings_are_compared_by_their_extremes(sentence: str, status: Status) -> None:
    assert found(past(*steady(25)), sentence).status is status


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("queue_max <= 9", UNKNOWN),
        ("queue_max < 9", FAILED),
        ("queue_max >= 9", PASSED),
        ("queue_max >= 10", UNKNOWN),
        ("queue_min >= 0", UNKNOWN),
        ("queue_min > 0", FAILED),
        ("queue_min <= 0", PASSED),
        ("queue_max == 9", UNKNOWN),
        ("queue_max == 12", UNKNOWN),
        ("queue_max == 5", FAILED),
    ],
)
def test_a_reading_that_failed_outside_of_faults_leaves_open_what_it_could_change(
    sentence: str, status: Status
) -> None:
    numbers = steady(25)
    numbers[40] = None
    assert found(past(*numbers), sentence).status is status


def test_a_reading_that_failed_while_a_fault_was_on_is_left_out() -> None:
    numbers = steady(25)
    numbers[15] = None
    assert found(past(*numbers), "queue_max <= 9").status is PASSED


def test_the_final_reading_is_that_after_all_has_settled() -> None:
    made = past(*steady(25, 3.0))
    made.number("queue", 59.0, 0.0, "after")
    assert found(made, "queue_last == 0").status is PASSED


def test_a_final_reading_that_failed_is_unknown() -> None:
    made = past(*steady(25))
    made.number("queue", 59.0, None, "after")
    finding = found(made, "queue_last == 0")
    assert finding.status is UNKNOWN
    assert "connection refused" in finding.because


# -- names and units ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "within 5s of heal: queues == 0",
            "'queues' is no observation of this scenario and no signal; expected queue",
        ),
        (
            "within 5s of heal: stored == 0",
            "stored is a table: a comparison needs an observation that is one",
        ),
        ("stored_max == 0", "stored is a table: a threshold needs an observation that is one number"),
        ("queue_mux <= 3", "'queue_mux' is no metric"),
        ("within 5s of heal: memory < 5 parsecs", "'parsecs' is no unit"),
    ],
)
def test_what_is_wrong_with_an_observation_in_a_sentence_is_said(sentence: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        parse_expectation(sentence, NAMES, on_system=True)
    assert said in str(error.value)


def test_a_quantity_with_a_unit_is_compared_in_it() -> None:
    parsed = parse_expectation("within 5s of heal: memory < 5MB", NAMES, on_system=True)
    assert isinstance(parsed, AnchoredThreshold)
    assert parsed.value == 5e6


def test_a_stored_run_is_judged_without_the_scenario_s_names() -> None:
    for sentence in (RECOVERS, "queue_max <= 9", "within 5s of heal: q.a-1 == 0"):
        assert parse_expectation(sentence, on_system=True) == parse_expectation(
            sentence, NAMES, on_system=True
        )
