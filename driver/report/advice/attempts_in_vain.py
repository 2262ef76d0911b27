"""Workers knock far more often than could help."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice.advice import Advice, Adviser, cap_setting, figure, number

MANY = 60.0
"""Who follows the coordinator's shortest advice knocks about that often in twelve seconds."""


def advise(history: History, metrics: Metrics) -> Advice | None:
    if number(metrics, "storm_amplification") <= MANY:
        return None
    return Advice(
        "attempts_in_vain",
        "Raise the reconnection policy's base or cap: workers knock more often than can help.",
        f"In the worst fault each worker tried {number(metrics, 'storm_amplification'):.0f} times; "
        f"{figure(metrics, 'connection_success_rate')} of all attempts became a connection.",
        "Twice the cap halves the attempts, and adds at most its own length to the way back.",
        ("storm_amplification", "connection_success_rate"),
        (cap_setting(history, 2.0),),
    )


ADVISER = Adviser(rank=80, advise=advise)
