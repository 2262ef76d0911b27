"""Another reconnection policy brings the fleet back sooner from the same outages, or with fewer attempts."""

from __future__ import annotations

from driver.forensics.analysis import analyse
from driver.forensics.recommend import Recommendation
from driver.forensics.sentences import number, ranged, recommendation_sentence
from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import policy_settings
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    analysis = history.view(analyse)
    what_if = analysis.what_if
    # Advice rests on a certain identification and on a replay that agrees with the run.
    if what_if is None or what_if.recommendation is None or not analysis.naming.sure:
        return None
    recommendation = what_if.recommendation
    was, better = recommendation.was.name, recommendation.better.name
    change = f"reconnect by policy {better} (worker: policy)"
    if was == better:
        change = "take the coordinator's advice: no base_ms and cap_ms of their own"
    return Advice(
        "other_policy",
        f"Let the workers {change}.",
        _because(recommendation),
        recommendation_sentence(recommendation),
        ("time_to_all_back_s", "storm_amplification"),
        policy_settings(history, better),
    )


def _because(found: Recommendation) -> str:
    """Return the figure that the change rests on, of the policy as it was; the intervals separate the two."""
    was = found.was
    if found.sooner:
        return f"By {was.name} all were back {ranged(was.all_back_s)} after the heal, which is surely later."
    return (
        f"By {was.name} each worker made {number(was.attempts_each)} attempts, and "
        f"{number(was.at_once)} came at once after the heal: surely more than twice as many."
    )


ADVISER = Adviser(rank=30, advise=advise)
