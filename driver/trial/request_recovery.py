"""Compares a trial's own requests after a fault with those at rest. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from driver.trial.baseline import LEAST_SHARE, RequestBaseline, SystemBaseline
from driver.trial.samples import RequestCounters, SystemSample

REQUEST_WINDOW_S = 2.0
REQUEST_SLACK = 0.05
"""How much larger the share of failed requests may be than before."""
_ROUNDING_S = 1e-6


class RequestRecovery(msgspec.Struct, frozen=True):
    """The trial's own requests since the fault began; `after_s` is None where they are not answered."""

    failed: int
    sent: int
    after_s: float | None


def request_recovery(
    baseline: SystemBaseline, samples: Sequence[SystemSample], began_s: float, healed_s: float
) -> RequestRecovery | None:
    was = baseline.requests
    points = [(one.at_s, one.requests) for one in samples if one.requests is not None]
    if was is None or not points:
        return None
    begin = next((now for at_s, now in points if at_s >= began_s), points[-1][1])
    last = points[-1][1]
    since_s: float | None = None
    after = [point for point in points if point[0] >= healed_s]
    times = [at_s for at_s, _ in after]
    for at_s, now in after:
        end = bisect_left(times, at_s + REQUEST_WINDOW_S - _ROUNDING_S)
        if end == len(times):
            break
        if not _answers(was, now, after[end][1]):
            since_s = None
        elif since_s is None:
            since_s = at_s
    return RequestRecovery(
        failed=last.failed - begin.failed,
        sent=last.failed - begin.failed + last.answered - begin.answered,
        after_s=None if since_s is None else max(0.0, since_s - healed_s),
    )


def _answers(was: RequestBaseline, first: RequestCounters, last: RequestCounters) -> bool:
    """Whether requests between two looks, REQUEST_WINDOW_S apart, are answered as before."""
    answered, failed = last.answered - first.answered, last.failed - first.failed
    enough = answered >= LEAST_SHARE * was.answered_per_s * REQUEST_WINDOW_S
    return enough and failed <= (was.failed_share + REQUEST_SLACK) * (answered + failed)
