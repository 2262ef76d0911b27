"""Whether a system is proved to be as before a run, by the run's own history. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from driver.checks.finding import Finding, Status
from driver.histories.connection_history import connection_histories
from driver.histories.events import Healed, LabTrouble
from driver.histories.history import History
from driver.histories.link_connections import link_journals
from driver.histories.link_names import pair_of
from driver.histories.readings import grown
from driver.histories.run_timeline import run_timeline

PHASES = ("gate", "timeline", "heal", "verify", "converge", "drain")


def unclean(history: History, findings: Sequence[Finding], growing: Collection[str] = ()) -> list[str]:
    """Return why the next run needs a new start, as clauses; none where the system is as before.

    It is where all phases ended well, nothing failed, each link that had a connection at the begin has one,
    no queue is longer than before the first fault, and the heal was verified. `growing` are observations that
    grow without faults too, and are no queues.
    """
    run = history.view(run_timeline)
    reasons = [
        f"its phase {name} {'is missing' if name not in run.phases else run.phases[name].outcome}"
        for name in PHASES
        if name not in run.phases or run.phases[name].outcome in ("failed", "stopped")
    ]
    healed = history.last(Healed)
    if healed is None or healed.left:
        reasons.append("the heal was not verified")
    reasons += [f"the lab had trouble: {one.what}" for one in history.of(LabTrouble)[:1]]
    reasons += [f"{one.check} failed" for one in findings if one.status is Status.failed]
    # A claim, other than a check, is a sentence about what the system holds.
    reasons += [
        f"{one.check} is unknown"
        for one in findings
        if one.status is Status.unknown and not one.check.isidentifier()
    ]
    return (
        reasons
        + _broken_links(history)
        + [
            f"{name} is {now:g}, and was {before:g}"
            for name, (before, now) in grown(history).items()
            if name not in growing
        ]
    )


def _broken_links(history: History) -> list[str]:
    """Return the pairs that had a connection when the faults began, and have none now."""
    run = history.view(run_timeline)
    first_ns = run.first_fault_ns
    if first_ns is None:
        return []
    before: set[str] = set()
    after: set[str] = set()
    for journal in history.view(link_journals).values():
        for one in journal.connections:
            if one.opened_ns and one.opened_ns <= first_ns and not 0 < one.client_ended_ns < first_ns:
                before.add(pair_of(journal.link))
            if one.opened_ns and not one.client_ended_ns:
                after.add(pair_of(journal.link))
    used = {
        pair_of(name)
        for name, found in history.view(connection_histories).items()
        if found.by_client and found.by_client[-1][1] > (run.heals[-1] if run.heals else 0)
    }
    return [f"{pair} has no connection" for pair in sorted(before - after - used)]
