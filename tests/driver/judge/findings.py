"""What checks and metrics find in a history made by hand."""

from __future__ import annotations

import math

from driver.checks import CHECKS, run_check
from driver.checks.finding import Finding, Status
from driver.metrics import measure
from tests.driver.judge.histories import Past


def found(name: str, past: Past, **params: float) -> Finding:
    """What one check finds in a past."""
    history = past.history()
    finding = run_check(CHECKS[name], history, measure(history), params)
    assert contradiction(finding) == ""
    return finding


def contradiction(finding: Finding) -> str:
    """Return in what a finding contradicts itself; "" where in nothing."""
    measured, threshold, margin = finding.measured, finding.threshold, finding.margin
    if margin is not None:
        if measured is None or threshold is None or not math.isclose(abs(margin), abs(measured - threshold)):
            return f"the margin {margin} is not the distance of {measured} from {threshold}"
        if (margin < 0 and finding.status is Status.passed) or (
            margin > 0 and finding.status is Status.failed
        ):
            return f"{finding.status} with a margin of {margin}"
    if finding.status is Status.failed and threshold is not None and measured is not None and margin is None:
        return "a measured failure without a margin"
    return ""


def value(name: str, past: Past) -> float | None:
    """One metric of a past."""
    return measure(past.history()).values[name]
