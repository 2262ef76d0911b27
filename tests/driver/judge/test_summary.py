"""A run in three sentences, what is worst in it, and changes that can be copied."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.histories import events as driver
from driver.metrics.worst import longest_outages, worst_cases
from driver.reference import load_events
from driver.reference.advice import advise
from driver.reference.advice.advice import policy_settings
from driver.report.advice import Advice, Setting
from driver.report.html_page import render_html
from driver.report.summary import MOST_LETTERS, counted_findings, group_findings, summary
from driver.results.judged_run import JudgedRun, judge_run
from tests.driver.forensics.fleets import Fleet
from tests.driver.judge.findings import value
from tests.driver.judge.histories import Past, healthy_herd, ns
from wire.policies import POLICIES


def judged(past: Past, folder: Path, *expectations: str) -> JudgedRun:
    past.write(folder / "20261124T021500Z-herd", list(expectations), planned_faults=2)
    return judge_run(folder / "20261124T021500Z-herd")


def slow_worker() -> Past:
    """A herd in which worker-2 is lost once more, for 7 s from 50 s on."""
    past = healthy_herd()
    past.lose("worker-2", 50.0)
    past.connect("worker-2", 57.0, "resumed")
    return past


def test_the_first_sentence_says_what_was_done_and_whether_it_is_proved(tmp_path: Path) -> None:
    run = judged(healthy_herd(), tmp_path)
    done = summary(run, [])[0]
    assert done.text == (
        "3 workers ran for 60 s under 2 faults, all proved: refuse on 3 targets for 5 s, "
        "refuse on 3 targets for 5 s."
    )
    assert done.section == "faults"


def test_the_second_sentence_names_the_worst_worker_and_its_moment(tmp_path: Path) -> None:
    run = judged(slow_worker(), tmp_path, "reconnection_time_max <= 1s")
    broke = summary(run, [])[1].text
    assert broke.startswith("reconnection_time_max_s is 7")
    assert "The worst: worker-2, 7" in broke


def test_where_attempts_decide_the_worst_is_reported_in_attempts(tmp_path: Path) -> None:
    past = slow_worker()
    for number in range(4):
        past.fail_to_connect("worker-2", 51 + number, attempt=number + 1)
    run = judged(past, tmp_path, "attempts_per_reconnection_max <= 2")
    assert "The worst: worker-2, 5 attempts from 50" in summary(run, [])[1].text


def test_a_passing_run_names_its_longest_outage(tmp_path: Path) -> None:
    run = judged(slow_worker(), tmp_path, "task_success_rate >= 10%")
    assert "The longest outage: worker-2, 7" in summary(run, [])[1].text


def test_the_third_sentence_is_the_first_advice(tmp_path: Path) -> None:
    run = judged(healthy_herd(), tmp_path)
    pieces = [Advice("a", "Do this.", "", "", ()), Advice("b", "Or that.", "", "", ())]
    assert summary(run, pieces)[2].text == "Do this. (1 more below)"
    assert summary(run, [])[2].text == "Nothing to change was found."


def test_an_inconclusive_run_is_to_be_repaired_before_anything_is_changed(tmp_path: Path) -> None:
    past = healthy_herd()
    past.forget("driver", driver.Receipt)
    advice = Advice("a", "Raise the cap.", "It took 9 s.", "", ())
    change = summary(judged(past, tmp_path), [advice])[2].text
    assert change.startswith("Repair what is unknown, and run it again")
    assert "rests on a run that proves nothing" in change


def test_an_inconclusive_run_on_a_busy_machine_is_to_be_run_again_on_a_quieter_one(tmp_path: Path) -> None:
    past = healthy_herd()
    past.forget("driver", driver.Receipt)
    past.busy(1, 40)
    change = summary(judged(past, tmp_path), [])[2].text
    assert change.startswith("Run it again while the machine is less busy, or with fewer workers")


def test_a_run_that_stopped_before_its_faults_repeats_what_stopped_it(tmp_path: Path) -> None:
    past = Past(3)
    past.begin()
    past.phase("start", 2, 9, "failed", detail="No call of the load was ok: 404 Not Found.")
    past.end(12)
    past.busy(1, 10)
    run = judged(past, tmp_path)
    done, broke, change = (one.text for one in summary(run, []))
    assert done == "The run stopped in its phase start, with 0 of 2 planned faults begun."
    assert broke == "The run cannot say: No call of the load was ok: 404 Not Found."
    assert change == "Repair what stopped it, and run it again: this run shows nothing about the system."
    proved = next(one for one in run.verdict.findings if one.check == "faults_were_proved")
    assert proved.because.endswith(f"only 0 of 2 planned faults were begun: {broke.partition(': ')[2]}")


@pytest.mark.parametrize(
    "stem", ["reconnection_time", "detection_time", "waiting_time", "failed_attempts_time", "handshake_time"]
)
def test_the_worst_case_of_a_metric_is_the_one_that_makes_its_maximum(stem: str) -> None:
    past = Past(2)
    past.begin()
    past.lose("worker-2", 10)
    past.fail_to_connect("worker-2", 11, attempt=1)
    past.connect("worker-2", 12, outcome="resumed")
    # A process that starts again is gone for longer, and is no reconnection after a loss.
    past.start("worker-1", 35)
    past.connect("worker-1", 35.5)
    past.end(60)
    (first, *_) = worst_cases(past.history(), f"{stem}_max_s")
    assert first.took_s == value(f"{stem}_max_s", past)


def test_the_first_screen_has_a_long_reason_once_and_shortened(tmp_path: Path) -> None:
    run = judged(slow_worker(), tmp_path, "reconnection_time_max <= 1s")
    first = run.verdict.findings
    long = tuple(msgspec.structs.replace(one, because="so long " * 200) for one in first)
    found = msgspec.structs.replace(run, verdict=msgspec.structs.replace(run.verdict, findings=long))
    assert len(summary(found, [])[1].text) < 2 * MOST_LETTERS
    assert counted_findings(run.verdict) == f"1 failed and {len(first) - 1} passed of {len(first)} findings"
    assert run.verdict.because not in render_html(run).partition("<nav")[0]


def test_a_failed_threshold_shows_the_lines_of_the_worst_workers(tmp_path: Path) -> None:
    run = judged(slow_worker(), tmp_path, "reconnection_time_max <= 1s")
    found = next(one for one in run.verdict.findings if one.check.startswith("reconnection_time_max"))
    assert found.evidence[0].where.startswith("worker-2.jsonl:")
    assert found.evidence[0].at_s == pytest.approx(50.0, abs=0.1)


def test_an_outage_that_never_ended_is_the_worst() -> None:
    past = slow_worker()
    past.lose("worker-3", 58.0)
    worst = longest_outages(past.history())
    assert [case.subject for case in worst] == ["worker-3", "worker-2"]
    assert worst[0].took_s is None


def test_tasks_without_a_result_decide_the_success_rate() -> None:
    past = healthy_herd()
    past.submit("forgotten", 5.0)
    assert worst_cases(past.history(), "task_success_rate")[0].subject == "forgotten"


def test_the_worst_task_is_the_one_whose_latency_is_the_metrics_maximum() -> None:
    past = healthy_herd()
    for name, seconds, late_s in (("late", 9.0, 8.0), ("slow", 3.0, 0.0)):
        past.submit(name, 5.0)
        accepted = past.lines["driver"][-1]
        assert isinstance(accepted, load_events.TasksAccepted)
        accepted.noticed_ns.append(ns(5.0 + late_s))
        past.finish(name, "worker-1", past.assign(name, "worker-1", 5.0 + late_s), 5.0 + seconds)
    worst = worst_cases(past.history(), "task_latency_max_s")[0]
    assert (worst.subject, worst.took_s) == ("slow", value("task_latency_max_s", past))


def test_a_figure_that_sums_up_nothing_single_has_no_cases() -> None:
    assert worst_cases(healthy_herd().history(), "storm_peak_attempts_per_s") == []


def test_built_in_checks_are_distinguished_from_what_the_scenario_expects(tmp_path: Path) -> None:
    run = judged(healthy_herd(), tmp_path, "task_success_rate >= 90%")
    found = group_findings(run.verdict.findings)
    assert {one.check for one in found.expected} == {"task_success_rate >= 90%"}
    assert found.built_in_says == f"all {len(found.built_in)} built-in checks passed"


def test_what_to_change_is_said_with_its_reason(tmp_path: Path) -> None:
    advice = Advice("a", "Raise the cap.", "It took 9 s.", "", ())
    assert summary(judged(healthy_herd(), tmp_path), [advice])[2].text == "Raise the cap. It took 9 s."


def test_a_change_is_a_diff_that_can_be_copied() -> None:
    found = Advice("a", "", "", "", (), (
        Setting("worker", "policy", "exponential", "slotted"), Setting("worker", "cap_ms", "5000", ""),
    ))  # fmt: skip
    assert found.diff == " worker:\n-  policy: exponential\n+  policy: slotted\n-  cap_ms: 5000"


def test_a_policys_own_base_and_cap_go_with_it() -> None:
    history = Fleet(("exponential",), 3, 1, base_ms=50, cap_ms=2_000).history()
    changed = [(one.key, one.now, one.then) for one in policy_settings(history, "slotted")]
    assert changed == [("policy", "exponential", "slotted"), ("base_ms", "50", ""), ("cap_ms", "2000", "")]


def test_no_policy_without_jitter_is_ever_recommended(tmp_path: Path) -> None:
    assert {name for name, policy in POLICIES.items() if not policy.spreads} == {
        "none", "fixed", "exponential",
    }  # fmt: skip
    history = Fleet(("seed",), 10, 2, (12.0, 12.0), seed=3).history()
    run = judged(healthy_herd(), tmp_path)
    found = [one.change for one in advise(history, run.metrics) if one.name == "other_policy"]
    assert found
    assert not any(word in found[0] for word in ("policy none", "policy fixed", "policy exponential"))
