"""The whole fleet knocks at the same moment."""

from __future__ import annotations

from driver.forensics.policies import POLICIES
from driver.forensics.settings import worker_settings_told
from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.storm import storms
from driver.report.advice.advice import Advice, Setting, cap_setting, figure, number, policy_settings

IN_STEP = 0.5
FEWEST = 10


def advise(history: History, metrics: Metrics) -> Advice | None:
    # Few workers are in step by chance.
    large = [storm for storm in history.view(storms) if len(storm.workers) >= FEWEST]
    if not large or number(metrics, "storm_busiest_100ms_ratio") < IN_STEP:
        return None
    policy = worker_settings_told(history).policy
    known = POLICIES.get(policy)
    if known is not None and known.spreads:
        change = "Raise the reconnection policy's cap: its delays are too short to spread the fleet."
        settings: tuple[Setting, ...] = (cap_setting(history, 2.0),)
    else:
        change = "Draw the delays at random over their whole range: policy full_jitter, or slotted."
        settings = policy_settings(history, "slotted")
    return Advice(
        "fleet_in_step",
        change,
        f"{figure(metrics, 'storm_busiest_100ms_ratio')} of a storm's attempts fell into one tenth of a "
        f"second, "
        f"up to {figure(metrics, 'storm_peak_attempts_per_s')} in one second.",
        "Spread over a cap of c seconds the peak is about workers ÷ c attempts a second.",
        ("storm_busiest_100ms_ratio", "storm_peak_attempts_per_s"),
        settings,
    )
