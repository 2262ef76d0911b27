"""Another reconnection policy would bring the same fleet back sooner from the same outages, or as soon and
gentler.
"""

from __future__ import annotations

from driver.forensics.account import account
from driver.histories.history import History
from driver.metrics import Metrics
from driver.report.advice.advice import Advice, policy_settings
from driver.report.forensic_words import recommendation_sentence


def advise(history: History, metrics: Metrics) -> Advice | None:
    told = history.view(account)
    what_if = told.what_if
    # What is sure of itself alone may tell others what to do: a sure name, and a replay that agrees with
    # the run.
    if what_if is None or what_if.recommendation is None or not told.naming.sure:
        return None
    found = what_if.recommendation
    was, better = found.was.name, found.better.name
    change = f"reconnect by policy {better} (worker: policy)"
    if was == better:
        change = "take the coordinator's advice: no base_ms and cap_ms of their own"
    return Advice(
        "other_policy",
        f"Let the workers {change}.",
        f"They followed {was}. The same outages played again with other policies: "
        f"{'others bring the fleet back sooner' if found.sooner else 'others knock far less'}.",
        recommendation_sentence(found),
        ("time_to_all_back_s", "storm_amplification"),
        policy_settings(history, better),
    )
