"""Expectations that are open: a later last reading may decide them otherwise. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.finding import Finding, Status
from driver.claims import Claim, judge_claim
from driver.histories.history import History
from driver.judging.expectations import against_signal
from driver.scenarios.thresholds import AnchoredThreshold, Expectation


def open_expectations(history: History, expectations: Sequence[Expectation]) -> list[str]:
    """Return the texts of the expectations that do not hold at the end of a history, and may hold later.

    A history in which a claim about rows holds may lose that again: the caller waits until rows come no more.
    Checks, and thresholds on metrics, do not depend on the last reading.
    """
    found = []
    for one in expectations:
        if isinstance(one, Claim):
            if not _is_decided(judge_claim(one, history), one.stays_failed):
                found.append(one.text)
        elif isinstance(one, AnchoredThreshold) and not _is_decided(against_signal(history, one), False):
            found.append(one.text)
    return found


def _is_decided(finding: Finding, stays_failed: bool) -> bool:
    return finding.status is Status.passed or (stays_failed and finding.status is Status.failed)
