"""Findings of a run: one for each check and expectation of its scenario. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from driver.checks import CHECKS, always_judged, judge_alone, unless_busy, unless_gap, with_reservations
from driver.checks.check import Check, Params
from driver.checks.finding import Finding, Status, failed, passed, show, unknown
from driver.claims import Claim, claim_with_reservations, judge_claim
from driver.histories.history import History
from driver.histories.journal_gaps import ALL_ROLES
from driver.histories.readings import first_answer_since_ns
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.metrics import Metrics
from driver.metrics.catalogue import FAMILY_OF
from driver.metrics.metric import StillOpen
from driver.metrics.quantities import OPERATORS, margin_of, write
from driver.metrics.signals import Signal, Steps, good_stretches, is_unknown
from driver.metrics.worst import worst_cases
from driver.scenarios.thresholds import AnchoredThreshold, Expectation, NamedCheck, Threshold


@dataclass(frozen=True)
class Question:
    """One thing that is judged of a run: a check, or an expectation as written.

    `alone` returns its own finding, `reserved` what of it holds where journals lack lines or the machine was
    too busy. `fails`: it can return failed; else it returns unknown instead. `broken_by` names controls.
    `decided`: more load after the last fault cannot alter its finding.
    """

    name: str
    alone: Callable[[History, Metrics], Finding]
    reserved: Callable[[History, Finding], Finding]
    fails: bool = True
    broken_by: tuple[str, ...] = ()
    decided: Callable[[History, Metrics], bool] = lambda history, metrics: False

    def finding(self, history: History, metrics: Metrics) -> Finding:
        """Return the finding of a run."""
        return self.reserved(history, self.alone(history, metrics))


def all_findings(
    history: History, metrics: Metrics, expectations: Sequence[Expectation], planned_faults: int = 0
) -> list[Finding]:
    """Return all findings of a run, in the order of its `questions`."""
    return [
        one.finding(history, metrics)
        for one in questions(expectations, planned_faults, bool(history.containers))
    ]


def questions(
    expectations: Sequence[Expectation], planned_faults: int = 0, on_system: bool = False
) -> list[Question]:
    """Return all that is judged of a run: the checks of every run and those that its scenario names, each
    once, then its thresholds and claims. `planned_faults` is the number of faults in its plan. `on_system`:
    it is of a foreign system.
    """
    named = {
        expectation.text: expectation.params
        for expectation in expectations
        if isinstance(expectation, NamedCheck)
    }
    asked = []
    always = always_judged(on_system)
    for name in [*always, *(name for name in named if name not in always)]:
        params = dict(named.get(name, {}))
        if "planned" in CHECKS[name].params:
            params["planned"] = planned_faults
        asked.append(_of_check(CHECKS[name], params))
    for expectation in expectations:
        if isinstance(expectation, Threshold):
            asked.append(_of_metric(expectation))
        elif isinstance(expectation, AnchoredThreshold):
            signal = expectation.signal
            alone = partial(_signal, expectation)
            asked.append(
                Question(
                    expectation.text,
                    alone,
                    partial(_whole_signal, signal),
                    broken_by=signal.broken_by,
                    decided=partial(_is_known, alone),
                )
            )
        elif isinstance(expectation, Claim):
            asked.append(_of_claim(expectation))
    return asked


def _of_check(check: Check, params: Params) -> Question:
    def alone(history: History, metrics: Metrics) -> Finding:
        return judge_alone(check, history, metrics, params)

    def decided(history: History, metrics: Metrics) -> bool:
        return check.decided(alone(history, metrics))

    reserved = partial(with_reservations, check)
    return Question(check.name, alone, reserved, check.fails, check.broken_by, decided)


def _of_metric(expected: Threshold) -> Question:
    metric = expected.metric
    family = FAMILY_OF[metric.name]

    def decided(history: History, metrics: Metrics) -> bool:
        return family.decided(history, metric.name)

    return Question(
        expected.text,
        partial(_metric, expected),
        partial(_whole, metric.name),
        broken_by=family.controls_of(metric),
        decided=decided,
    )


def _of_claim(claim: Claim) -> Question:
    reserved = partial(claim_with_reservations, claim)
    return Question(claim.text, partial(_claim, claim), reserved, broken_by=claim.broken_by)


def _metric(expected: Threshold, history: History, metrics: Metrics) -> Finding:
    return against_threshold(history, metrics, expected)


def _is_known(alone: Callable[[History, Metrics], Finding], history: History, metrics: Metrics) -> bool:
    """Return whether a threshold was met in time, or missed: what comes later alters neither."""
    return alone(history, metrics).status is not Status.unknown


def _signal(expected: AnchoredThreshold, history: History, metrics: Metrics) -> Finding:
    return against_signal(history, expected)


def _claim(claim: Claim, history: History, metrics: Metrics) -> Finding:
    return judge_claim(claim, history)


def _whole(measure: str, history: History, found: Finding, requires: tuple[str, ...] = ALL_ROLES) -> Finding:
    """Return what of a threshold's finding holds where a journal of `requires` may lack lines."""
    return unless_busy(history, unless_gap(history, _with_worst(history, found, measure), requires))


def _whole_signal(signal: Signal, history: History, found: Finding) -> Finding:
    return _whole(signal.name, history, found, signal.requires)


def _with_worst(history: History, found: Finding, measure: str) -> Finding:
    """Return a failed finding with the events that decide its value as evidence."""
    if found.status is not Status.failed:
        return found
    events = [event for case in worst_cases(history, measure) for event in case.events]
    return msgspec.structs.replace(found, evidence=show(history, events))


def against_threshold(history: History, metrics: Metrics, expected: Threshold) -> Finding:
    """Return whether a metric meets its threshold; unknown where it has no value, unless what it times had
    not ended after more than is allowed.
    """
    metric = expected.metric
    measured = metrics.values.get(metric.name)
    bound = write(expected.value, metric.unit)
    if measured is None:
        open_ = FAMILY_OF[metric.name].still_open(history).get(metric.name)
        if open_ is not None:
            return _against_open(open_, expected)
        because = (
            f"the history determines no value of {metric.name}; {expected.operator} {bound} was expected"
        )
        return unknown(expected.text, because, threshold=expected.value, unit=metric.unit.value)
    holds = OPERATORS[expected.operator](measured, expected.value)
    margin = margin_of(measured, expected.operator, expected.value)
    because = f"{metric.name} is {write(measured, metric.unit)}; {expected.operator} {bound} was expected"
    return (passed if holds else failed)(
        expected.text,
        because,
        measured=measured,
        threshold=expected.value,
        margin=margin,
        unit=metric.unit.value,
    )


def _against_open(open_: StillOpen, expected: Threshold) -> Finding:
    """Return that a threshold failed which the time so far exceeds; unknown where it does not exceed it."""
    metric = expected.metric
    bound = f"{expected.operator} {write(expected.value, metric.unit)}"
    because = f"{open_.because}; {metric.name} {bound} was expected"
    is_over = expected.operator in ("<", "<=") and not OPERATORS[expected.operator](
        open_.at_least, expected.value
    )
    if not is_over:
        because = f"{because}, and that time is too short to decide"
    return (failed if is_over else unknown)(
        expected.text, because, threshold=expected.value, unit=metric.unit.value
    )


def against_signal(history: History, expected: AnchoredThreshold) -> Finding:
    """Return whether a signal met its threshold within `within_s` of each anchor, and held it for `hold_s`.

    An anchor that the next fault follows too soon is skipped and counted; the last one must be decided. Where
    values that are unknown decide, the finding is unknown.
    """
    run = history.view(run_timeline)
    anchors = _anchors(run, expected.anchor)
    if not anchors:
        return unknown(expected.text, f"there was no {expected.anchor} in this run")
    steps = expected.signal.steps(history)
    compare = OPERATORS[expected.operator]

    def holds(value: float) -> bool:
        return compare(value, expected.value)

    def may_hold(value: float) -> bool:
        return is_unknown(value) or holds(value)

    within_ns, hold_ns = int(expected.within_s * 1e9), int(expected.hold_s * 1e9)
    took: list[float] = []
    skipped, last_skipped = 0, False
    for number, anchor_ns in enumerate(anchors, 1):
        quiet_ns = run.quiet_until_ns(anchor_ns) if expected.anchor == "heal" else run.end_ns
        until_ns = min(quiet_ns, anchor_ns + within_ns + hold_ns + 1)
        latest_ns = anchor_ns + within_ns
        known_ns = _known_ns(history, expected.signal, anchor_ns)
        span = anchor_ns if known_ns is None else known_ns, until_ns, latest_ns, hold_ns
        is_read = known_ns is not None and known_ns <= latest_ns
        last_skipped = False
        began = _first_good(steps, holds, *span) if is_read else None
        if began is not None:
            took.append((began - anchor_ns) / 1e9)
        elif quiet_ns < anchor_ns + within_ns + hold_ns:
            skipped, last_skipped = skipped + 1, True
        else:
            at_s = run.at_s(anchor_ns)
            because = (
                f"{expected.signal.name} {expected.operator} {write(expected.value, expected.signal.unit)} "
                f"was not reached{f' for {expected.hold_s:g} s' if hold_ns else ''} within "
                f"{expected.within_s:g} s of {expected.anchor} {number} of {len(anchors)} (at {at_s:.1f} s)"
            )
            if not is_read or _first_good(steps, may_hold, *span) is not None:
                return unknown(expected.text, f"{because}; but readings that are missing may have shown it")
            return failed(expected.text, because, threshold=expected.within_s, unit="s")
    if last_skipped:
        return unknown(expected.text, f"what followed the last {expected.anchor} was too short to decide")
    aside = (
        f"; {skipped} of {len(anchors)} were followed by the next fault too soon to decide" if skipped else ""
    )
    worst = max(took)
    because = (
        f"{expected.signal.name} was good again {worst:.2f} s after {expected.anchor} at the latest{aside}"
    )
    return passed(
        expected.text,
        because,
        measured=worst,
        threshold=expected.within_s,
        margin=expected.within_s - worst,
        unit="s",
    )


def _first_good(
    steps: Steps, good: Callable[[float], bool], begin_ns: int, until_ns: int, latest_ns: int, hold_ns: int
) -> int | None:
    """Return the begin of the first stretch that begins by `latest_ns` and is long enough."""
    stretches = good_stretches(steps, good, begin_ns, until_ns)
    return next((a for a, b in stretches if a <= latest_ns and b - a >= hold_ns), None)


def _known_ns(history: History, signal: Signal, anchor_ns: int) -> int | None:
    """Return from when a signal's value is one of after an anchor: of readings from the answer to the first
    that was asked for since, None without one.
    """
    if not signal.observation:
        return anchor_ns
    return first_answer_since_ns(history, signal.observation, anchor_ns)


def _anchors(run: RunTimeline, anchor: str) -> list[int]:
    if anchor == "heal":
        return run.heals
    if anchor == "fault":
        return [window.began_ns for window in run.faults]
    gate = run.phases.get("gate")
    return [gate.ended_ns] if gate and gate.ended_ns is not None else []
