"""Most of the reconnection time is detection time."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import coordinator_setting, figure, number
from driver.report.advice import Advice, Adviser, Findings

SLOW_S = 1.0
SHARE = 0.5


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    detection_s, total_s = number(metrics, "detection_time_p50_s"), number(metrics, "reconnection_time_p50_s")
    if detection_s < SLOW_S or detection_s < SHARE * total_s:
        return None
    return Advice(
        "detection_dominates",
        "Shorten the heartbeat's interval and timeout, or let them adapt (adaptive_heartbeat).",
        f"Half of the workers needed {figure(metrics, 'detection_time_p50_s')} or more to notice that "
        f"their connection "
        f"was gone, of {figure(metrics, 'reconnection_time_p50_s')} until they were back.",
        f"Half the timeout brings the median reconnection time to about {total_s - detection_s / 2:.1f} s.",
        ("detection_time_p50_s", "reconnection_time_p50_s"),
        tuple(
            coordinator_setting(history, key, 0.5)
            for key in ("heartbeat_interval_ms", "heartbeat_timeout_ms")
        ),
    )


ADVISER = Adviser(rank=50, advise=advise)
