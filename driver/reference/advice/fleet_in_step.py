"""The whole fleet attempts to connect at the same moment."""

from __future__ import annotations

from driver.forensics.settings import client_settings
from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.storm import storms
from driver.reference.advice.advice import figure, number, policy_settings
from driver.report.advice import Advice, Adviser, Findings
from wire.policies import POLICIES

IN_STEP = 0.5
FEWEST = 10


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    # Few workers are in step by chance.
    large = [storm for storm in history.view(storms) if len(storm.clients) >= FEWEST]
    if not large or number(metrics, "storm_busiest_100ms_ratio") < IN_STEP:
        return None
    known = POLICIES.get(client_settings(history).policy)
    if known is not None and known.spreads:
        # This policy draws at random already: its synchrony has another cause.
        return None
    return Advice(
        "fleet_in_step",
        "Draw the delays at random over their whole range: policy full_jitter, or slotted.",
        f"{figure(metrics, 'storm_busiest_100ms_ratio')} of a storm's attempts fell into one tenth of a "
        f"second, "
        f"up to {figure(metrics, 'storm_peak_attempts_per_s')} in one second.",
        "Spread over a cap of c seconds the peak is about workers ÷ c attempts a second.",
        ("storm_busiest_100ms_ratio", "storm_peak_attempts_per_s"),
        policy_settings(history, "slotted"),
    )


ADVISER = Adviser(rank=70, advise=advise)
