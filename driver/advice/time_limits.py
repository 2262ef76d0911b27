"""A client waits for an answer that does not come, and gives no connection up: it has no time limit."""

from __future__ import annotations

from driver.checks.finding import Status
from driver.histories.history import History
from driver.histories.link_connections import LinkConnection, link_journals
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.report.advice import Advice, Adviser, Findings

LONG_NS = 5_000_000_000


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    if all(one.status is Status.passed for one in findings):
        return None
    run = history.view(run_timeline)
    waited: list[tuple[int, str]] = []
    for name, link in history.view(link_journals).items():
        hit = [one for one in run.faults_on(name) if not one.cuts]
        waited += [
            (wait_ns, name)
            for one in link.connections
            if (wait_ns := _unanswered_ns(one, run.end_ns)) >= LONG_NS
            and any(window.due_ns <= one.client.last_ns for window in hit)
        ]
    if not waited:
        return None
    longest_ns, name = max(waited)
    return Advice(
        "time_limits",
        "Set a time limit on each request and read, and close a connection that exceeds it.",
        f"A client of {name} waited {longest_ns / 1e9:.1f} s for an answer that did not come, and kept its "
        "connection.",
        "A connection that is dead without a sign is given up after that time, and not held for good.",
        ("without_ok_max_s",),
    )


def _unanswered_ns(one: LinkConnection, end_ns: int) -> int:
    """Return for how long a client had no answer to its last bytes, until the connection or the run ended."""
    if one.failed or one.client.last_ns <= one.server.last_ns:
        return 0
    return (one.client_ended_ns or end_ns) - one.client.last_ns


ADVISER = Adviser(rank=40, advise=advise)
