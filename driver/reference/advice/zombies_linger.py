"""The coordinator counted workers as connected long after they were gone."""

from __future__ import annotations

from driver.forensics.analysis import analyse
from driver.histories.connection_history import ZOMBIE
from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.reference.advice.advice import coordinator_setting
from driver.report.advice import Advice, Adviser, Findings

LONG_S = 3.0


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    zombies = [one for one in history.view(analyse).disagreements if one.what == ZOMBIE]
    if not zombies or zombies[0].lasted_s < LONG_S:
        return None
    longest = zombies[0]
    workers = len({one.client for one in zombies if one.lasted_s >= LONG_S})
    return Advice(
        "zombies_linger",
        "Shorten the coordinator's heartbeat timeout (heartbeat_timeout_ms).",
        f"It counted {longest.client} as connected for {write(longest.lasted_s, Unit.seconds)} after it was "
        f"gone, and {workers} workers in all for {write(LONG_S, Unit.seconds)} or more; what it gives them "
        "meanwhile waits.",
        f"Half the timeout brings the longest to about {write(longest.lasted_s / 2, Unit.seconds)}.",
        ("disagreement_max_s", "coordinator_detection_time_max_s"),
        (coordinator_setting(history, "heartbeat_timeout_ms", 0.5),),
    )


ADVISER = Adviser(rank=60, advise=advise)
