"""After the heal workers still wait: their cap is longer than the coordinator's admission rate needs."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.metric import Unit, percentile
from driver.metrics.quantities import write
from driver.metrics.storm import storms
from driver.reference.advice import other_policy
from driver.reference.advice.advice import cap_setting
from driver.report.advice import Advice, Adviser, Findings

LATE_S = 2.0
SHARE = 0.5


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    if other_policy.advise(history, metrics, findings) is not None:
        # The advice of another policy covers this; some policies have no cap that could be lowered.
        return None
    asleep_s, back_s = [], []
    for storm in history.view(storms):
        healed_ns = storm.window.ended_ns
        for outage in storm.outages:
            if healed_ns is None or outage.back_ns is None or outage.back_ns <= healed_ns:
                continue
            back_s.append((outage.back_ns - healed_ns) / 1e9)
            after = [attempt.began.at_ns for attempt in outage.attempts if attempt.began.at_ns >= healed_ns]
            asleep_s.append((min(after, default=outage.back_ns) - healed_ns) / 1e9)
    back_p99_s, asleep_p99_s = percentile(sorted(back_s), 99), percentile(sorted(asleep_s), 99)
    if not back_p99_s or not asleep_p99_s or back_p99_s < LATE_S or asleep_p99_s < SHARE * back_p99_s:
        return None
    return Advice(
        "back_too_late",
        "Lower the reconnection policy's cap, to the fleet ÷ the coordinator's admission rate.",
        f"When the link was whole again, workers waited on for up to {write(asleep_p99_s, Unit.seconds)} "
        f"(p99) "
        f"of the {write(back_p99_s, Unit.seconds)} until they were back: a delay goes on after the heal.",
        f"Half the cap brings the p99 after a heal to about "
        f"{write(back_p99_s - asleep_p99_s / 2, Unit.seconds)}.",
        ("time_to_all_back_s", "waiting_time_p99_s"),
        (cap_setting(history, 0.5),),
    )


ADVISER = Adviser(rank=40, advise=advise)
