"""Workers attempt to connect far more often than can help."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import cap_setting, figure, number
from driver.report.advice import Advice, Adviser, Findings

MANY = 60.0
"""Attempts of a worker in 12 s by the shortest base and cap that the coordinator advises."""


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    if number(metrics, "storm_amplification") <= MANY:
        return None
    return Advice(
        "attempts_in_vain",
        "Raise the reconnection policy's base or cap: workers attempt to connect more often than can help.",
        f"In the worst fault each worker tried {number(metrics, 'storm_amplification'):.0f} times; "
        f"{figure(metrics, 'connection_success_rate')} of all attempts became a connection.",
        "Twice the cap halves the attempts, and adds at most its own length to the time until all are back.",
        ("storm_amplification", "connection_success_rate"),
        (cap_setting(history, 2.0),),
    )


ADVISER = Adviser(rank=80, advise=advise)
