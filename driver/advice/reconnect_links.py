"""A link lost its connection under a fault and has none at the end: its client does not reconnect."""

from __future__ import annotations

from driver.checks.finding import Status
from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.nouns import counted
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    lost = _never_back(history)
    if not lost or all(one.status is Status.passed for one in findings):
        return None
    run, first = history.view(run_timeline), lost[0]
    kinds = ", ".join(dict.fromkeys(one.kind for one in run.faults_on(first.client)))
    more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
    return Advice(
        "reconnect_links",
        "Reconnect when a connection is lost: validate a pooled connection before its use, and open another "
        "in place of one that failed.",
        f"{first.client} lost its connection at {run.at_s(first.lost_ns):.1f} s under {kinds} and has none "
        f"at the end, after {counted(len(first.attempts), 'attempt')}{more}.",
        "The client works again as soon as the fault is over.",
        (),
    )


def _never_back(history: History) -> list[Outage]:
    """Return the last outage of each link that a fault hit and that has no connection since."""
    run = history.view(run_timeline)
    last = [one.outages[-1] for one in history.view(connection_histories).values() if one.outages]
    return [
        one
        for one in last
        if one.back is None and any(w.due_ns <= one.lost_ns for w in run.faults_on(one.client))
    ]


ADVISER = Adviser(rank=30, advise=advise)
