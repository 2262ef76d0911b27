"""A detection time misses its threshold, and heartbeats of the set interval and timeout cannot meet it.

A silent connection is detected up to interval + timeout after its break, and after half the interval plus the
timeout on average (worker/heartbeat.py, coordinator/session_manager.py).
"""

from __future__ import annotations

from driver.checks.finding import Finding, Status
from driver.forensics.settings import client_settings, server_settings
from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.reference.advice.advice import coordinator_setting, figure
from driver.report.advice import Advice, Adviser, Findings
from driver.scenarios.thresholds import Threshold, parse_expectation

STEMS = ("detection_time_", "coordinator_detection_time_")
AVERAGES = ("mean", "p50")
MARGIN = 0.9
"""Share of the threshold for interval and timeout together; the rest is for the network and for timers."""


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    settings = server_settings(history)
    interval_s, timeout_s = settings.heartbeat_interval_ms / 1e3, settings.heartbeat_timeout_ms / 1e3
    learned = client_settings(history).adaptive_heartbeat
    missed = []
    for threshold in filter(None, map(_missed, findings)):
        average = threshold.metric.statistic in AVERAGES
        detected_s = timeout_s + interval_s / (2 if average else 1)
        # A learned timeout may be shorter than the set one.
        if threshold.value < detected_s and not (learned and threshold.metric.name.startswith(STEMS[0])):
            missed.append((threshold, "on average" if average else "at the latest", detected_s))
    if not missed:
        return None
    strictest, when, detected_s = min(missed, key=lambda one: one[0].value / one[2])
    name, bound = strictest.metric.name, write(strictest.value, Unit.seconds)
    factor = MARGIN * strictest.value / detected_s
    changed = [
        coordinator_setting(history, key, factor) for key in ("heartbeat_interval_ms", "heartbeat_timeout_ms")
    ]
    return Advice(
        "heartbeat_too_slow",
        f"Shorten the heartbeat's interval and timeout, or allow {name} more than {bound}.",
        f"{name} is {figure(metrics, name)}; {strictest.operator} {bound} was expected. With a heartbeat "
        f"every {write(interval_s, Unit.seconds)} and a timeout of {write(timeout_s, Unit.seconds)} a silent "
        f"connection is detected after {write(detected_s, Unit.seconds)} {when}.",
        f"An interval of {changed[0].then} ms and a timeout of {changed[1].then} ms detect it after "
        f"{write(factor * detected_s, Unit.seconds)} {when}.",
        (name,),
        tuple(changed),
    )


def _missed(finding: Finding) -> Threshold | None:
    """Return the failed upper threshold on a detection time that a finding is about; None for any other."""
    if finding.status is not Status.failed or finding.threshold is None:
        return None
    try:
        expected = parse_expectation(finding.check)
    except ValueError:
        return None
    if not isinstance(expected, Threshold) or expected.operator not in ("<", "<="):
        return None
    return expected if expected.metric.name.startswith(STEMS) else None


ADVISER = Adviser(rank=45, advise=advise)
