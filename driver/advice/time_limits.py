"""A client waits for an answer that does not come, and gives no connection up: it has no time limit."""

from __future__ import annotations

from driver.checks.finding import Status
from driver.histories.history import History
from driver.histories.link_connections import LinkConnection, link_journals
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import UNKNOWN, Operation
from driver.metrics import Metrics
from driver.nouns import counted
from driver.report.advice import Advice, Adviser, Findings

LONG_NS = 5_000_000_000


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    if all(one.status is Status.passed for one in findings):
        return None
    because = _frozen_link(history) or _frozen_operations(history)
    if not because:
        return None
    return Advice(
        "time_limits",
        "Set a time limit on each request and read, and close a connection that exceeds it.",
        because,
        "A connection that is dead without a sign is given up after that time, and not held for good.",
        ("without_ok_max_s",),
    )


def _frozen_link(history: History) -> str:
    """Return which client waited for good on its link; "" where none did."""
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
        return ""
    longest_ns, name = max(waited)
    return (
        f"A client of {name} waited {longest_ns / 1e9:.1f} s for an answer that did not come, and kept its "
        "connection."
    )


def _frozen_operations(history: History) -> str:
    """Return how many operations under a fault had no answer for long; "" for none."""
    run = history.view(run_timeline)
    waits_s = [
        (one.return_ns - one.call_ns) / 1e9
        for one in history.of(Operation)
        if one.outcome == UNKNOWN and one.return_ns - one.call_ns >= LONG_NS
        if any(
            window.due_ns <= one.return_ns and (window.ended_ns is None or one.call_ns <= window.ended_ns)
            for window in run.faults
        )
    ]
    if not waits_s:
        return ""
    return (
        f"{counted(len(waits_s), 'operation')} under a fault had no answer for {LONG_NS / 1e9:.0f} s or "
        f"more; the longest was given up by its sender after {max(waits_s):.1f} s."
    )


def _unanswered_ns(one: LinkConnection, end_ns: int) -> int:
    """Return for how long a client had no answer to its last bytes, until the connection or the run ended."""
    if one.failed or one.client.last_ns <= one.server.last_ns:
        return 0
    return (one.client_ended_ns or end_ns) - one.client.last_ns


ADVISER = Adviser(rank=40, advise=advise)
