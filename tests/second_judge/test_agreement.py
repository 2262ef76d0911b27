"""The judge and a second one, slow and plain, say the same of every history: each metric and each check."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TypeVar

import msgspec
import pytest

from driver.checks import CHECKS, run_check
from driver.histories.history import Damage, History
from driver.metrics import METRICS
from driver.metrics import measure as judges_metrics
from tests.driver.judge.findings import contradiction
from tests.second_judge import checks, metrics
from tests.second_judge.generate import generated
from tests.second_judge.raw import Raw

T = TypeVar("T")
SEEDS, PART = 120, 10
NEVER_FAILED = (
    "traffic_flowed",
    "faults_were_proved",
    "journals_complete",
    "lab_was_sound",
    "links_as_planned",
    "driver_was_punctual",
)
PARAMS: dict[str, dict[str, float]] = {
    "traffic_flowed": {"tasks": 20, "before": 5},
    "workers_were_cut_off": {"notices_within_s": 2},
    "no_starvation": {"picks": 6},
    "agreement_on_connected": {"longest_s": 1},
    "converged_after_healing": {"within_s": 2},
    "no_metastable_state": {"settle_s": 1, "tasks": 10, "factor": 2, "slack_s": 0.1},
    "every_damaged_frame_noticed": {"expected": 5},
}
"""Bounds that short histories reach on both sides."""


def history_of(seed: int) -> History:
    """The history of a seed; of every seventh, one journal has damaged lines."""
    past = generated(seed)
    history = past.history()
    if seed % 7 == 0:
        name = sorted(history.journals)[seed % len(history.journals)]
        history.damage.append(Damage(name, "damaged", 1, "line 7"))
    return history


def raw_of(history: History) -> Raw:
    """The same as raw lines."""
    journals = {
        name: [json.loads(msgspec.json.encode(event)) for event in journal.events]
        for name, journal in history.journals.items()
    }
    return Raw(journals, history.clients, history.expected)


@cache
def compared(seed: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """In what the two differ about one history, a line each; and the status of every check."""
    history = history_of(seed)
    raw = raw_of(history)
    ours = judges_metrics(history)
    theirs = metrics.measure(raw)
    differing = [
        f"seed {seed}: {name}: the second judge has no value"
        for name in sorted(second_metrics() - theirs.keys())
    ]
    differing += [
        f"seed {seed}: {name}: the judge {ours.values[name]!r}, the second {theirs[name]!r}"
        for name in METRICS
        if name in theirs and not _same(ours.values[name], theirs[name])
    ]
    damaged = [damage.journal for damage in history.damage if damage.what == "damaged"]
    second = checks.judge(raw, checks.gaps_of(raw, damaged), PARAMS)
    differing += [
        f"seed {seed}: {name}: the second judge has no status"
        for name in sorted(second_checks() - second.keys())
    ]
    statuses = {}
    for name, check in CHECKS.items():
        found = run_check(check, history, ours, PARAMS.get(name, {}))
        assert "the check itself raised" not in found.because, found
        assert contradiction(found) == ""
        statuses[name] = found.status.value
        if found.status.value != second.get(name, found.status.value):
            differing.append(
                f"seed {seed}: {name}: {found.status} ({found.because}), the second {second[name]}"
            )
    return tuple(differing), statuses


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


@cache
def second_checks() -> set[str]:
    """The checks of the second judge."""
    return set(checks.judge(raw_of(history_of(0)), set(), PARAMS))


@cache
def second_metrics() -> set[str]:
    """The metrics of the second judge."""
    return set(metrics.measure(raw_of(history_of(0))))


def test_the_second_judge_has_every_check_and_every_metric() -> None:
    assert second_checks() == set(CHECKS), "see docs/extending.md: a check has a twin in checks.py"
    assert second_metrics() == set(METRICS), "see docs/extending.md: a metric has a twin in metrics.py"


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_both_judges_say_the_same_of_every_history(first: int) -> None:
    assert [line for seed in range(first, first + PART) for line in compared(seed)[0]] == []


def test_the_histories_lead_every_check_to_each_of_its_answers() -> None:
    answers = {(name, status) for seed in range(SEEDS) for name, status in compared(seed)[1].items()}
    judged_twice = CHECKS.keys() & second_checks()
    wanted = {(name, status) for name in judged_twice for status in ("passed", "unknown", "failed")}
    assert wanted - answers == {(name, "failed") for name in NEVER_FAILED}


def test_a_name_that_only_a_later_history_lacks_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    metric, check = min(second_metrics()), min(second_checks())
    measure, judge = metrics.measure, checks.judge
    monkeypatch.setattr(metrics, "measure", lambda raw: _without(metric, measure(raw)))
    monkeypatch.setattr(checks, "judge", lambda *given: _without(check, judge(*given)))
    assert compared.__wrapped__(1)[0] == (
        f"seed 1: {metric}: the second judge has no value",
        f"seed 1: {check}: the second judge has no status",
    )


def _without(name: str, found: dict[str, T]) -> dict[str, T]:
    return {each: value for each, value in found.items() if each != name}
