"""What of a judgement holds whatever the hosts' clocks are within their bounds. Pure.

A run on many hosts is judged once with the nominal clocks, and again for each of `Clocks.skews`. A finding, a
receipt or a figure is what all of these agree about; where they differ, the bound decides nothing, and it is
unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from driver.checks.finding import Finding, Status, passed, unknown
from driver.histories.clocks import Clocks, Skew, named_skew
from driver.histories.events import Receipt
from driver.histories.history import History
from driver.histories.host_clock import DRIFT_PPM
from driver.metrics import METRICS
from driver.metrics.metric import Unit

CLOCKS_KNOWN = "clocks_are_known"
NO_BOUNDS: Mapping[str, float] = {}
TIMED = (Unit.seconds, Unit.per_second, Unit.bytes_per_second, Unit.cores)
RATE_ERROR = 2 * DRIFT_PPM / 1e6
"""Of a time between two instants of one host: its clock drifts, and so do the bounds between which it is
known.
"""
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class SkewedJudgement:
    """What is found where the clocks are as `skew` says. `receipts` are by fault."""

    skew: Skew
    findings: Sequence[Finding]
    figures: Figures
    receipts: Mapping[str, Receipt]


def bound_ns(history: History) -> int:
    """Return the largest error bound of any host's clock in a run; 0 on one host."""
    clocks = history.clocks.by_host.values()
    return max((one.worst_bound_ns(history.begin_ns, history.end_ns) for one in clocks), default=0)


def clock_findings(history: History) -> list[Finding]:
    """Return the finding on the clocks of a run's hosts; none of a run on one host."""
    clocks = history.clocks
    if not clocks.host_of:
        return []
    trouble = clocks.trouble()
    if trouble:
        because = f"what the hosts recorded cannot be compared: {'; '.join(trouble[:3])}"
        return [unknown(CLOCKS_KNOWN, because)]
    bound = _ms(bound_ns(history))
    because = f"the clocks of {len(clocks.by_host)} hosts are known to ± {bound} ms all through the run"
    return [passed(CLOCKS_KNOWN, because)]


def comparable_findings(history: History, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; a failure is unknown where instants of hosts cannot be compared at all."""
    trouble = history.clocks.trouble()
    if not trouble:
        return list(findings)
    return [
        msgspec.structs.replace(found, status=Status.unknown, because=f"{trouble[0]}. {found.because}")
        if found.status is Status.failed
        else found
        for found in findings
    ]


def agreed_findings(
    nominal: Sequence[Finding],
    skewed: Sequence[SkewedJudgement],
    bound_ns: int,
    bounds: Mapping[str, float] = NO_BOUNDS,
) -> list[Finding]:
    """Return the findings; one that is another under some skew, or closer to its threshold than its error
    bound, is unknown. `bounds` are those of metrics, and `bound_ns` is that of the clocks, for the sentences.
    """
    by_check = [{found.check: found for found in one.findings} for one in skewed]
    return [
        _agreed(
            _unless_close(found, bounds),
            [
                (one.skew, here[found.check])
                for one, here in zip(skewed, by_check, strict=True)
                if found.check in here
            ],
            bound_ns,
        )
        for found in nominal
    ]


def agreed_receipts(history: History, skewed: Sequence[SkewedJudgement]) -> None:
    """Replace the receipts of a history that some skew makes differ: what the bound does not decide is not
    proved.
    """
    receipts = []
    for receipt in history.of(Receipt):
        others = [(one.skew, one.receipts[receipt.fault]) for one in skewed if receipt.fault in one.receipts]
        differing = next(((skew, one) for skew, one in others if one.proved != receipt.proved), None)
        if differing is None:
            receipts.append(receipt)
            continue
        skew, other = differing
        because = (
            f"the error bound of the clocks does not decide it: with {named_skew(skew)}, {other.because}"
        )
        if receipt.proved:
            receipts.append(msgspec.structs.replace(receipt, proved=False, because=because))
        else:
            receipts.append(receipt)
    history.put(Receipt, receipts)


def figure_bounds(nominal: Figures, skewed: Sequence[SkewedJudgement]) -> dict[str, float]:
    """Return by how much each metric may be wrong; those that clocks do not change are left out.

    It is the largest difference under some skew and, of times, rates and shares of time, RATE_ERROR of the
    value. A skew moves both ends of a time on one host alike, so that it does not show the error of that
    host's rate.
    """
    bounds = {}
    for name, value in nominal.items():
        if value is None:
            continue
        others = [other for one in skewed if (other := one.figures.get(name)) is not None]
        by = max((abs(other - value) for other in others), default=0.0)
        unit = METRICS[name].unit
        if unit in TIMED or (unit is Unit.ratio and by > 0):
            by += abs(value) * RATE_ERROR
        if by > 0:
            bounds[name] = by
    return bounds


def receipt_bound_ms(clocks: Clocks, processes: Sequence[str], instants_ns: Sequence[int]) -> float:
    """Return the error bound of the clocks of some processes at some instants of the driver's clock."""
    found = [
        clock.worst_bound_ns(min(instants_ns), max(instants_ns))
        for process in processes
        if (clock := clocks.of(process)) is not None and instants_ns
    ]
    return max(found, default=0) / 1e6


def _agreed(found: Finding, others: Sequence[tuple[Skew, Finding]], bound_ns: int) -> Finding:
    differing = [(skew, other) for skew, other in others if other.status is not found.status]
    if not differing or found.status is Status.unknown:
        return found
    skew, other = differing[0]
    because = (
        f"the clocks of the hosts are known to ± {_ms(bound_ns)} ms, which does not decide it: "
        f"it {found.status} ({found.because}), and with {named_skew(skew)} it {_becomes(other)} "
        f"({other.because})"
    )
    return msgspec.structs.replace(found, status=Status.unknown, because=because)


def _unless_close(found: Finding, bounds: Mapping[str, float]) -> Finding:
    """Return the finding; unknown where its margin is smaller than what its measure may be wrong by."""
    if found.margin is None or found.measured is None:
        return found
    of_time = abs(found.measured) * RATE_ERROR if found.unit == Unit.seconds.value else 0.0
    bound = bounds.get(found.check.partition(" ")[0], of_time)
    if abs(found.margin) >= bound:
        return found
    bounded = f"it is known to ± {bound:.3g} {found.unit}"
    because = f"the error bound of the clocks does not decide it: {bounded}. {found.because}"
    return msgspec.structs.replace(found, status=Status.unknown, because=because)


def _becomes(found: Finding) -> str:
    return "is unknown" if found.status is Status.unknown else str(found.status)


def _ms(ns: int) -> str:
    return f"{ns / 1e6:.3g}"
