"""Figures of single clients, for comparisons of single runs: each is a mean over one client's outages."""

from __future__ import annotations

from collections import defaultdict

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.metrics.catalogue import METRICS
from driver.metrics.metric import Better, Metric, Unit
from driver.metrics.storm import storms

BACK_AFTER_HEAL = Metric(
    "back_after_heal_mean_s",
    Unit.seconds,
    Better.lower,
    "mean of the times from a fault's end until a worker that it disconnected is connected again",
)
LONGEST_WAIT = Metric(
    "longest_wait_mean_s",
    Unit.seconds,
    Better.neither,
    "mean of the longest waits between two attempts that the policy asked for, one for each outage",
)
COMPARED_ONLY = (BACK_AFTER_HEAL, LONGEST_WAIT)
"""Figures that are no metric of a run: comparisons alone have them."""
BY_CLIENT: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *COMPARED_ONLY,
        METRICS["reconnection_time_mean_s"],
        METRICS["attempts_per_reconnection_mean"],
        METRICS["detection_time_mean_s"],
        METRICS["handshake_time_mean_s"],
    )
}


def by_client(history: History) -> dict[str, dict[str, float]]:
    """Return each figure of BY_CLIENT by client. A client without such an outage has no entry.

    Only outages count that a loss began and a connection ended; restarts of a process do not.
    """
    found: dict[str, defaultdict[str, list[float]]] = {name: defaultdict(list) for name in BY_CLIENT}

    def add(name: str, client: str, value: float | None) -> None:
        if value is not None:
            found[name][client].append(value)

    for connections in history.view(connection_histories).values():
        for outage in connections.outages:
            if outage.how != LOSS or outage.back is None:
                continue
            add("reconnection_time_mean_s", outage.client, outage.total_s)
            add("attempts_per_reconnection_mean", outage.client, len(outage.attempts))
            add("detection_time_mean_s", outage.client, outage.detection_s)
            add("handshake_time_mean_s", outage.client, outage.handshake_s)
            if outage.asked_wait_ms:
                add(LONGEST_WAIT.name, outage.client, max(outage.asked_wait_ms) / 1e3)
    for storm in history.view(storms):
        for outage in storm.outages:
            if storm.window.ended_ns is not None and outage.back_ns is not None:
                after_heal_s = (outage.back_ns - storm.window.ended_ns) / 1e9
                add(BACK_AFTER_HEAL.name, outage.client, max(0.0, after_heal_s))
    return {
        name: {client: sum(values) / len(values) for client, values in clients.items()}
        for name, clients in found.items()
    }
