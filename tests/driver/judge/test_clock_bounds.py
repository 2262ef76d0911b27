"""Runs on hosts whose clocks differ by minutes and drift by 200 ppm: the same verdicts and figures, within
bounds.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import pytest

from driver.checks import CHECKS, run_check
from driver.checks.finding import Finding, Status, passed
from driver.exit_codes import ExitCode
from driver.histories.clock_alignment import aligned
from driver.histories.clocks import NO_SKEW, Skew, clocks_of
from driver.histories.events import ClockRead, HostLost, Receipt
from driver.histories.history import History
from driver.judging.clock_bounds import (
    CLOCKS_KNOWN,
    SkewedJudgement,
    agreed_findings,
    agreed_receipts,
    bound_ns,
    figure_bounds,
)
from driver.judging.verdict import RunOutcome
from driver.metrics import Metrics, measure
from driver.results.judged_run import judge_run
from driver.results.run_folder import METRICS
from tests.driver.judge.histories import Past, healthy_herd
from tests.driver.judge.host_clocks import SECOND_NS, journals_of, on_hosts
from tests.second_judge.generate import generated
from tests.second_judge.test_agreement import PARAMS
from wire.task_events import Assigned, Finished

SEEDS = 24
EXPECT = ["task_success_rate >= 90%", "within 15s of heal: connected >= 95% for 5s"]


def history_of(past: Past, skew: Skew = NO_SKEW) -> History:
    """The history of a run on hosts, in memory."""
    journals = journals_of(past)
    clocks = clocks_of(journals["driver"].events)
    expected = ["driver", "coordinator", *past.workers]
    return History(aligned(journals, clocks, skew), expected, past.workers, clocks=clocks)


def findings_of(history: History, metrics: Metrics) -> list[Finding]:
    return [run_check(check, history, metrics, PARAMS.get(name, {})) for name, check in CHECKS.items()]


@cache
def judged(seed: int) -> tuple[list[Finding], list[Finding], Metrics, Metrics, dict[str, float]]:
    """A generated run's findings and metrics on one clock, and on three hosts with what the bounds leave
    open.
    """
    past = generated(seed)
    plain = past.history()
    truth = measure(plain)
    moved = on_hosts(past, seed)
    history = history_of(moved)
    metrics = measure(history)
    skewed = []
    for skew in history.clocks.skews():
        other = history_of(moved, skew)
        figures = measure(other)
        skewed.append(SkewedJudgement(skew, findings_of(other, figures), figures.values, {}))
    found = agreed_findings(findings_of(history, metrics), skewed, bound_ns(history))
    return findings_of(plain, truth), found, truth, metrics, figure_bounds(metrics.values, skewed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_run_on_hosts_has_the_findings_of_the_run_on_one_or_they_are_unknown(seed: int) -> None:
    on_one, on_three, *_ = judged(seed)
    for one, other in zip(on_one, on_three, strict=True):
        assert other.status in (one.status, Status.unknown), (one, other)


def test_what_the_bounds_leave_open_is_rare() -> None:
    pairs = [(one, other) for seed in range(SEEDS) for one, other in zip(*judged(seed)[:2], strict=True)]
    lost = [(one.check, other.because) for one, other in pairs if one.status is not other.status]
    assert len(lost) <= len(pairs) // 50, lost


@pytest.mark.parametrize("seed", range(SEEDS))
def test_figures_of_a_run_on_hosts_are_those_of_the_run_on_one_within_their_bounds(seed: int) -> None:
    _, _, truth, metrics, bounds = judged(seed)
    wrong = {
        name: (value, metrics.values[name], bounds.get(name, 0.0))
        for name, value in truth.values.items()
        if value is not None
        and (
            metrics.values[name] is None
            or abs((metrics.values[name] or 0.0) - value) > bounds.get(name, 0.0) * 1.01 + 1e-9
        )
    }
    assert wrong == {}


def test_a_healthy_run_on_three_hosts_passes_and_says_how_well_its_clocks_are_known(tmp_path: Path) -> None:
    folder = on_hosts(healthy_herd(), 3).write(tmp_path / "run", EXPECT)
    judged = judge_run(folder)
    assert judged.verdict.verdict is RunOutcome.passed, judged.verdict.because
    (clocks,) = [one for one in judged.verdict.findings if one.check == CLOCKS_KNOWN]
    assert "3 hosts are known to ± " in clocks.because
    stored = msgspec.json.decode((folder / METRICS).read_bytes())
    assert stored["clock_bounds"]
    for name, bound in stored["clock_bounds"].items():
        if name.endswith("_s"):
            assert 0 < bound <= 0.0025 + 0.0025 * stored[name], name


def test_a_run_on_one_host_has_no_finding_about_clocks_and_no_bounds(tmp_path: Path) -> None:
    folder = healthy_herd().write(tmp_path / "run", EXPECT)
    judged = judge_run(folder)
    assert CLOCKS_KNOWN not in [one.check for one in judged.verdict.findings]
    assert "clock_bounds" not in msgspec.json.decode((folder / METRICS).read_bytes())


def overtaken(by_ms: float) -> Past:
    """A run in which one attempt ends a moment before, or after (below 0), its task is reassigned."""
    past = healthy_herd()
    token = past.assign("late", "worker-1", 5.0)
    past.submit("late", 4.9)
    past.emit("worker-1", Finished, 5.5 - by_ms / 1e3, task="late", token=token, error="", took_ms=1.0)
    past.lose_attempt("late", "worker-1", token, 5.49)
    newer = past.assign("late", "worker-2", 5.5, attempt=2)
    past.finish("late", "worker-2", newer, 5.6)
    return past


@pytest.mark.parametrize(
    ("by_ms", "status"),
    [(20.0, Status.passed), (-20.0, Status.failed), (0.1, Status.unknown), (-0.1, Status.unknown)],
)
def test_an_order_that_the_bound_does_not_decide_is_unknown(
    tmp_path: Path, by_ms: float, status: Status
) -> None:
    folder = on_hosts(overtaken(by_ms), 3, rtt_us=(800, 900)).write(tmp_path / "run", EXPECT)
    (found,) = [one for one in judge_run(folder).verdict.findings if one.check == "no_work_repeated"]
    assert found.status is status, found.because
    if status is Status.unknown:
        assert "does not decide it" in found.because


def test_a_clock_that_jumps_in_a_run_makes_it_inconclusive_by_name(tmp_path: Path) -> None:
    moved = on_hosts(healthy_herd(), 3)
    moved.lines["driver"] = [
        msgspec.structs.replace(one, host_ns=one.host_ns + 3 * SECOND_NS)
        if isinstance(one, ClockRead) and one.host == "host-2" and one.at_ns > 40 * SECOND_NS
        else one
        for one in moved.lines["driver"]
    ]
    judged = judge_run(moved.write(tmp_path / "run", EXPECT))
    assert judged.verdict.exit_code is ExitCode.INCONCLUSIVE
    (found,) = [one for one in judged.verdict.findings if one.check == CLOCKS_KNOWN]
    assert found.status is Status.unknown
    assert "the clock of host-2 jumped by 3.000 s" in found.because


def test_a_figure_that_is_closer_to_its_threshold_than_its_bound_is_unknown() -> None:
    found = passed("latency_p99_s <= 10s", "it is 9.99 s", measured=9.99, threshold=10, margin=0.01, unit="s")
    (close,) = agreed_findings([found], [], 1_000_000, {"latency_p99_s": 0.02})
    (far,) = agreed_findings([found], [], 1_000_000, {"latency_p99_s": 0.005})
    assert (close.status, far.status) == (Status.unknown, Status.passed)


def test_a_host_that_stops_answering_makes_a_run_inconclusive_by_name(tmp_path: Path) -> None:
    moved = on_hosts(overtaken(-20.0), 3)
    moved.emit("driver", HostLost, 30.0, host="host-3", detail="it does not answer")
    judged = judge_run(moved.write(tmp_path / "run", EXPECT))
    assert judged.verdict.exit_code is ExitCode.INCONCLUSIVE
    assert "the host host-3 stopped answering in the run" in judged.verdict.because


def test_a_receipt_that_some_skew_contradicts_is_not_proved() -> None:
    history = healthy_herd().history()
    first, second = history.of(Receipt)
    other = msgspec.structs.replace(first, proved=False, because="seen too early")
    agreed_receipts(history, [SkewedJudgement({}, [], {}, {first.fault: other, second.fault: second})])
    assert [one.proved for one in history.of(Receipt)] == [False, True]
    assert "does not decide it" in history.of(Receipt)[0].because


def test_assignments_of_the_coordinator_keep_their_order_through_every_skew() -> None:
    moved = on_hosts(healthy_herd(), 9)
    tokens = [event.token for event in history_of(moved).of(Assigned)]
    for skew in history_of(moved).clocks.skews():
        assert [event.token for event in history_of(moved, skew).of(Assigned)] == tokens
