"""Rules that end a run early: they must hold for their time, without a break."""

from __future__ import annotations

import pytest

from driver.reference.scenarios.live_signals import AbortMonitor, parse_signal_rule
from driver.scenarios.abort_when import HeldRules, parse_abort
from wire.control import CoordinatorState, TaskCounts, WorkerState


def state(connected: int, waiting: int = 0, completed: int = 0) -> CoordinatorState:
    workers = [
        WorkerState(f"worker-{n}", "connected" if n <= connected else "lost", "s", 0, 0, 1, 0)
        for n in range(1, 11)
    ]
    counts = TaskCounts(
        submitted=completed + waiting, completed=completed, failed=0, waiting=waiting, assigned=0
    )
    return CoordinatorState(1, 0, False, counts, {}, workers, {})


def test_a_rule_that_holds_for_its_time_ends_the_run() -> None:
    watch = AbortMonitor([parse_signal_rule("connected < 50% for 3s")], workers=10)
    assert [watch.look(float(now_s), state(4)) for now_s in range(4)] == ["", "", "", ""]
    assert (
        watch.look(4.0, state(4))
        == "connected < 50% for 3s: share of the workers that are connected was 40 %"
    )


def test_a_rule_that_breaks_in_between_begins_again() -> None:
    watch = AbortMonitor([parse_signal_rule("connected < 50% for 3s")], workers=10)
    found = [watch.look(float(now_s), state(6 if now_s == 3 else 4)) for now_s in range(7)]
    assert found == [""] * 7
    assert watch.look(7.0, state(4))


def test_an_unknown_state_is_no_reason_to_end() -> None:
    watch = AbortMonitor([parse_signal_rule("connected < 50% for 1s")], workers=10)
    assert not any(watch.look(now_s / 2, state(4) if now_s % 3 else None) for now_s in range(20))


def test_one_reading_holds_no_rule_however_often_it_is_looked_at() -> None:
    rules = HeldRules([parse_abort("my-queue > 500 for 10s", ["my-queue"])])
    looks = [rules.look(float(now_s), {"my-queue": 600.0}, {"my-queue": 0.0}) for now_s in range(60)]
    assert looks == [""] * 60
    assert rules.look(60.0, {"my-queue": 600.0}, {"my-queue": 60.0})


@pytest.mark.parametrize(
    ("rule", "completed_per_s", "waiting", "ends"),
    [
        ("waiting_tasks > 100 for 2s", 0, 101, True),
        ("waiting_tasks > 100 for 2s", 0, 100, False),
        ("completed_per_s < 5/s for 2s", 4, 0, True),
        ("completed_per_s < 5/s for 2s", 6, 0, False),
    ],
)
def test_queue_and_rate_are_signals_too(rule: str, completed_per_s: int, waiting: int, ends: bool) -> None:
    watch = AbortMonitor([parse_signal_rule(rule)], workers=10)
    found = [watch.look(float(now_s), state(10, waiting, completed_per_s * now_s)) for now_s in range(6)]
    assert bool(found[-1]) is ends


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("connected < 10%", "expected a rule like"),
        ("conected < 10% for 3s", "Did you mean connected"),
        ("connected < 10 for 3s", "never above 100 %"),
        ("connected < 10% for 3", "unit"),
        ("", "expected a rule like"),
    ],
)
def test_a_rule_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_signal_rule(text)
