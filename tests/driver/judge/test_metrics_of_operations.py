"""Claims about metrics, signals and gaps of loads' operations, on histories made by hand."""

from __future__ import annotations

import pytest

from chaos.catalogue import FAULTS
from driver.checks.finding import Finding
from driver.histories import events as driver
from driver.histories.history import History
from driver.histories.journal_gaps import gaps
from driver.histories.system_events import LoadEnded, Operation
from driver.judging.expectations import against_threshold
from driver.metrics import measure
from driver.metrics.signals import SIGNALS, good_stretches
from driver.scenarios.thresholds import Threshold, parse_expectation
from tests.driver.judge.histories import NO_SETTINGS, Past, ns


def past_of(*operations: tuple[float, float, str], trouble: str = "", is_ended: bool = True) -> Past:
    """A run with one load: of each operation when it was due, when it ended, and how."""
    past = Past(0)
    for number, (due_s, ended_s, outcome) in enumerate(operations):
        past.emit(
            "load",
            Operation,
            ended_s,
            load="votes",
            op="add",
            key=f"k-{number}",
            value=None,
            due_ns=ns(due_s),
            call_ns=ns(due_s + 0.001),
            return_ns=ns(ended_s),
            outcome=outcome,
        )
    if is_ended:
        past.emit("load", LoadEnded, 50.0, load="votes", operations=len(operations), trouble=trouble)
    return past


def with_fault(past: Past, begin_s: float, end_s: float, name: str = "f-1") -> Past:
    more = {"fault": name, "kind": "cut", "targets": ["a->b"]}
    changes = sorted(FAULTS["cut"].changes)
    past.emit(
        "driver",
        driver.FaultBegun,
        begin_s,
        params=NO_SETTINGS,
        planned_ns=ns(begin_s),
        changes=changes,
        **more,
    )
    past.emit("driver", driver.FaultEnded, end_s, planned_ns=ns(end_s), **more)
    return past


def values(past: Past, *names: str) -> list[float | None]:
    found = measure(past.history()).values
    return [found[name] for name in names]


def judged(text: str, past: Past) -> Finding:
    history, expected = past.history(), parse_expectation(text)
    assert isinstance(expected, Threshold)
    return against_threshold(history, measure(history), expected)


def test_operations_are_counted_by_their_outcomes() -> None:
    past = past_of((1, 1.1, "ok"), (2, 2.1, "ok"), (3, 3.1, "fail"), (5, 5.1, "unknown"))
    assert values(past, "operations", "operations_ok", "operations_fail", "operations_unknown") == [
        4,
        2,
        1,
        1,
    ]
    assert values(past, "ok_share", "fail_share", "unknown_share") == [0.5, 0.25, 0.25]
    assert values(past, "operations_per_s", "ok_operations_per_s") == [1.0, 0.5]


def test_latency_is_of_acknowledged_operations_from_their_due_instants() -> None:
    past = past_of((1, 1.5, "ok"), (2, 4.0, "ok"), (3, 13.0, "unknown"))
    assert values(past, "latency_p50_s", "latency_max_s") == [pytest.approx(0.5), pytest.approx(2.0)]


def test_without_operations_counts_are_zero_and_the_rest_is_not_known() -> None:
    names = ("operations", "ok_share", "operations_per_s", "latency_p99_s", "without_ok_max_s")
    assert values(Past(1), *names) == [0, None, None, None, None]


@pytest.mark.parametrize(
    ("operations", "longest_s"),
    [
        ([(1, 1.5, "ok"), (2, 2.5, "ok"), (3, 9.0, "ok")], 6.5),
        ([(1, 5.0, "fail"), (2, 8.0, "ok"), (3, 8.5, "ok")], 7.0),
        ([(1, 1.5, "ok"), (2, 9.0, "unknown")], 7.5),
        ([(1, 9.0, "unknown")], 8.0),
    ],
    ids=["between", "at the begin", "at the end", "never"],
)
def test_the_longest_time_without_an_acknowledgement(
    operations: list[tuple[float, float, str]], longest_s: float
) -> None:
    assert values(past_of(*operations), "without_ok_max_s") == [pytest.approx(longest_s)]


def test_the_time_from_a_heal_to_the_next_acknowledgement_is_the_longest_of_all_heals() -> None:
    operations = [(at, at + 0.1, "ok") for at in (1.0, 5.0, 9.0)] + [
        (4.5, 4.6, "fail"),
        (8.2, 8.3, "unknown"),
    ]
    past = with_fault(with_fault(past_of(*operations), 2, 4), 6, 8, "f-2")
    assert values(past, "ok_after_heal_max_s") == [pytest.approx(1.1)]


def test_a_heal_after_which_nothing_was_called_says_nothing() -> None:
    past = with_fault(past_of((1, 1.1, "ok")), 2, 4)
    assert values(past, "ok_after_heal_max_s") == [None]


def test_a_heal_without_an_acknowledgement_before_the_next_fault_makes_it_unknown() -> None:
    past = past_of((1, 1.1, "ok"), (5, 5.1, "fail"), (9, 9.1, "ok"))
    assert values(with_fault(with_fault(past, 2, 4), 6, 8, "f-2"), "ok_after_heal_max_s") == [None]


@pytest.mark.parametrize(
    ("bound", "status", "says"),
    [
        ("<= 10s", "failed", "none of the 2 operations that were called after the heal at 2.9 s was "),
        ("<= 15s", "unknown", "too short to decide"),
        (">= 1s", "unknown", "too short to decide"),
    ],
)
def test_a_system_that_never_comes_back_fails_a_bound_that_the_wait_exceeds(
    bound: str, status: str, says: str
) -> None:
    past = past_of((1, 1.1, "ok"), (5, 5.1, "fail"), (11, 16.0, "unknown"))
    found = judged(f"ok_after_heal_max {bound}", with_fault(past, 2, 4))
    assert found.status.value == status
    assert says in found.because
    assert "12.0 s" in found.because


def test_an_answer_after_the_next_fault_is_none_before_it() -> None:
    past = past_of((1, 1.1, "ok"), (5, 13.0, "ok"))
    found = judged("ok_after_heal_max <= 7s", with_fault(with_fault(past, 2, 4), 12, 12.5, "f-2"))
    assert found.status.value == "failed"
    assert "in 8.0 s" in found.because


def test_what_a_load_does_after_the_heal_phase_began_is_no_part_of_its_traffic() -> None:
    past = past_of((1, 1.1, "ok"), (2, 2.1, "ok"), (30, 40, "fail"))
    past.phase("heal", 20, 21)
    assert values(past, "operations", "operations_fail", "without_ok_max_s") == [2, 0, pytest.approx(1.0)]


def good_seconds(history: History, signal: str, at_least: float) -> float:
    steps = SIGNALS[signal].steps(history)
    stretches = good_stretches(steps, lambda value: value >= at_least, ns(0), ns(20))
    return sum(end - begin for begin, end in stretches) / 1e9


def test_signals_are_of_the_operations_that_ended_in_the_last_second() -> None:
    history = past_of((1, 2.0, "ok"), (1, 2.5, "ok"), (1, 2.75, "unknown"), (5, 6.0, "fail")).history()
    assert good_seconds(history, "ok_per_s", 2) == pytest.approx(0.5)
    assert good_seconds(history, "unknown_per_s", 1) == pytest.approx(1.0)
    assert good_seconds(history, "fail_per_s", 1) == pytest.approx(1.0)
    # Both ok, until the unknown one ends.
    assert good_seconds(history, "ok_share", 1) == pytest.approx(0.75)


def test_where_no_operation_ended_shares_are_at_their_worst() -> None:
    history = past_of((1, 2.0, "ok"), (9, 10.0, "ok")).history()
    assert good_seconds(history, "ok_share", 0.5) == pytest.approx(2.0)
    assert good_seconds(history, "unknown_share", 1.0) == pytest.approx(20 - 2)


@pytest.mark.parametrize(
    ("past", "because"),
    [
        (past_of((1, 2, "ok")), None),
        (past_of((1, 2, "ok"), trouble="its command ended with exit 1"),
         "operations of load votes may be missing: its command ended with exit 1"),
        (past_of((1, 2, "ok"), is_ended=False), "load.jsonl has no end of load votes"),
    ],
    ids=["whole", "trouble", "no end"],
)  # fmt: skip
def test_a_load_of_which_operations_may_be_missing_is_a_gap(past: Past, because: str | None) -> None:
    assert gaps(past.history()).get("load") == because
