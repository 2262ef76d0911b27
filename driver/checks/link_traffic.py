"""Links carried traffic before the first fault, and every fault met some. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from driver.checks.check import Params
from driver.checks.finding import Finding, passed, show, unknown
from driver.histories.history import History
from driver.histories.link_connections import LinkJournal, link_journals
from driver.histories.link_names import touches
from driver.histories.run_timeline import FaultWindow, run_timeline
from driver.histories.system_events import OUTSIDE_FAULTS, Operation
from driver.metrics import Metrics

NAME = "traffic_flowed"
AFTER_NS = 2_000_000_000
"""An instantaneous fault meets what is asked for in this time."""
PAUSE = 5
"""Operations that arrive at random are seldom farther apart than so many medians (e ** -3.5, 3 %)."""


def judge_system(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed. A link carried what its server answered; a fault met traffic
    where a connection was open, or was asked for, on a link that it hit; with loads, while one was under way.
    """
    run = history.view(run_timeline)
    links = history.view(link_journals)
    first_fault_ns = run.first_fault_ns
    carried = [name for name, one in links.items() if _carried_before(one, first_fault_ns)]
    if not carried:
        when = "" if first_fault_ns is None else " before the first fault"
        return unknown(NAME, f"no link carried traffic{when}: give the system a `workload:`")
    idle = [window for window in run.faults if not any(_met(one, window) for one in links.values())]
    if idle:
        more = f", and {len(idle) - 1} more faults" if len(idle) > 1 else ""
        because = (
            f"{idle[0].fault} ({idle[0].kind} on {', '.join(idle[0].targets[:3])}) met no traffic, so it "
            f"proves nothing{more}"
        )
        return unknown(NAME, because, evidence=show(history, [window.begun for window in idle]))
    bare = [window for window in run.faults if not _under_load(history, window)]
    if bare:
        because = (
            f"no load was under way during {bare[0].fault} ({bare[0].kind}, at "
            f"{run.at_s(bare[0].began_ns):.1f} s), so it proves nothing: let the load last longer"
        )
        return unknown(NAME, because, evidence=show(history, [window.begun for window in bare]))
    met = f"; each of {len(run.faults)} faults met some" if run.faults else ""
    return passed(NAME, f"{len(carried)} links carried traffic before the first fault{met}")


def _carried_before(link: LinkJournal, until_ns: int | None) -> bool:
    answers_ns = (one.first_answer_ns for one in link.connections)
    return any(at_ns and (until_ns is None or at_ns < until_ns) for at_ns in answers_ns)


def _met(link: LinkJournal, window: FaultWindow) -> bool:
    """Whether a connection of a link was open, or asked for, while a fault on the link was on."""
    if not any(target == link.link or touches(link.link, target) for target in window.targets):
        return False
    until_ns = _until_ns(window)
    return any(
        one.asked_ns <= until_ns and not 0 < one.client_ended_ns < window.due_ns for one in link.connections
    )


def _under_load(history: History, window: FaultWindow) -> bool:
    """Whether a load, where there are any, was under way while a fault was on: an idle connection alone is
    no traffic. Between two operations of a slow load it is under way, in a pause of a load it is not.
    """
    operations = [one for one in history.of(Operation) if one.op not in OUTSIDE_FAULTS]
    loads: dict[str, list[Operation]] = {}
    for one in sorted(operations, key=lambda one: one.call_ns):
        loads.setdefault(one.load, []).append(one)
    return not loads or any(_is_under_way(load, window) for load in loads.values())


def _is_under_way(load: Sequence[Operation], window: FaultWindow) -> bool:
    """Whether an operation of one load, in order of their calls, was under way while a fault was on, or the
    next one came after no longer than those of this load do.
    """
    until_ns = _until_ns(window)
    if any(one.call_ns <= until_ns and one.return_ns >= window.due_ns for one in load):
        return True
    gaps_ns = [later.call_ns - one.call_ns for one, later in pairwise(load)]
    usual_ns = sorted(gaps_ns)[len(gaps_ns) // 2] if gaps_ns else 0
    return any(
        one.call_ns < window.due_ns and later.call_ns > until_ns and gap_ns <= PAUSE * usual_ns
        for (one, later), gap_ns in zip(pairwise(load), gaps_ns, strict=True)
    )


def _until_ns(window: FaultWindow) -> int:
    return max(window.ended_ns or window.began_ns, window.began_ns + AFTER_NS)
