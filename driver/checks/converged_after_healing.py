"""After the last heal every client reconnects in time, and stays connected until the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from driver.checks.check import Check, Param, Params, once_passed
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import DRIVER, SERVER, History
from driver.histories.intervals import union
from driver.histories.journal_gaps import CLIENTS
from driver.histories.link_connections import LinkConnection, LinkJournal, link_journals
from driver.histories.link_events import CLIENT, FIN
from driver.histories.link_names import pair_of
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.metrics import Metrics
from driver.nouns import counted

NAME = "converged_after_healing"
ANSWER_NS = 2_000_000_000
"""What was asked for less than this before the end may be answered yet."""
GOODBYE_NS = 1_000_000_000
"""A client that closes within this after its last bytes may have sent its goodbye."""


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measure the seconds from the last heal to the last begin of a connection that lasts to the end."""
    run = history.view(run_timeline)
    clients = history.view(connection_histories)
    if not clients:
        return unknown(NAME, "the run has no workers")
    if not run.heals:
        return unknown(NAME, "no fault was healed, so there is nothing to converge from")
    healed_ns = run.heals[-1]
    absent = [connections for connections in clients.values() if _since_ns(connections, run.end_ns) is None]
    if absent:
        because = f"{len(absent)} of {len(clients)} workers are not connected at the end: {absent[0].client}"
        lost = [outage.lost for outage in absent[0].outages[-1:] if outage.lost]
        return violated(NAME, because, len(absent), show(history, lost))
    since = {connections.client: _since_ns(connections, run.end_ns) or 0 for connections in clients.values()}
    last = max(since, key=lambda client: since[client])
    took_s, bound_s = max(0.0, (since[last] - healed_ns) / 1e9), params["within_s"]
    numbers = {"measured": took_s, "threshold": bound_s, "margin": bound_s - took_s, "unit": "s"}
    if took_s > bound_s:
        back = [outage.back for outage in clients[last].outages[-1:] if outage.back]
        because = (
            f"{last} was connected for good {took_s:.1f} s after the last heal; {bound_s:g} s are allowed"
        )
        return failed(NAME, because, evidence=show(history, back), **numbers)
    because = f"all {len(clients)} workers were connected for good {took_s:.1f} s after the last heal"
    return passed(NAME, because, **numbers)


def _since_ns(connections: ConnectionHistory, end_ns: int) -> int | None:
    """Return when the connection that lasts to the end began on both sides; None without one."""
    connected = connections.connected
    return connected[-1][0] if connected and connected[-1][1] >= end_ns else None


def judge_system(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measure the seconds from the last heal until every link that carried traffic before the first fault,
    and that was asked for since, carries some again. Of a link that was as rarely asked for before the first
    fault they count from the first ask since the heal.
    """
    run = history.view(run_timeline)
    if not run.heals or run.first_fault_ns is None:
        return unknown(NAME, "no fault was healed, so there is nothing to converge from")
    healed_ns = run.heals[-1]
    before = {
        name: one for name, one in history.view(link_journals).items() if _carries(one, 0, run.first_fault_ns)
    }
    back = {name: _carried_again_ns(one, healed_ns, run.end_ns) for name, one in before.items()}
    asked = {name: _wanted_ns(one, healed_ns, run.end_ns) for name, one in before.items()}
    idle = [name for name, at_ns in asked.items() if at_ns is None and back[name] is None]
    gone, resting = _without_traffic(run, before, idle)
    if gone:
        because = f"{len(gone)} of {len(before)} links carried nothing since a fault hit it: {gone[0]}"
        return violated(NAME, because, len(gone))
    unanswered = {name: at_ns for name, at_ns in asked.items() if at_ns is not None and back[name] is None}
    silent = [name for name, at_ns in unanswered.items() if run.end_ns - at_ns >= ANSWER_NS]
    if silent:
        because = f"{len(silent)} of {len(before)} links carried nothing again: {silent[0]}"
        return violated(NAME, because, len(silent))
    starts = {
        name: _counts_from_ns(one, asked[name], healed_ns, run.first_fault_ns) for name, one in before.items()
    }
    took = {name: max(0, at_ns - starts[name]) / 1e9 for name, at_ns in back.items() if at_ns is not None}
    undecided = "".join(list(unanswered)[:1])
    too_late = f"{undecided} was asked for so shortly before the end that its answer was not due"
    if not took and undecided:
        return unknown(NAME, too_late)
    if not took:
        return unknown(NAME, "no link was used after the last heal: let the load go on after the last fault")
    last = max(took, key=lambda name: took[name])
    took_s, bound_s = took[last], params["within_s"]
    numbers = {"measured": took_s, "threshold": bound_s, "margin": bound_s - took_s, "unit": "s"}
    since = "the last heal" if starts[last] == healed_ns else "its first ask since the heal"
    because = f"{last} carried traffic {took_s:.1f} s after {since}"
    if took_s > bound_s:
        return failed(NAME, f"{because}; {bound_s:g} s are allowed", **numbers)
    if undecided:
        return unknown(NAME, too_late)
    if resting:
        return unknown(NAME, resting[0])
    aside = f"; {counted(len(idle), 'other')} carried nothing since" if idle else ""
    because = f"all {len(took)} links that were used carried traffic {took_s:.1f} s after {since}{aside}"
    return passed(NAME, because, **numbers)


def _without_traffic(
    run: RunTimeline, before: Mapping[str, LinkJournal], idle: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the links that carried nothing since a fault that hit them, and no replica beside them either;
    and a sentence for each that was watched for less than it rests without a fault. One that the load hardly
    used is neither: a configuration is fetched once.
    """
    names = tuple(before)
    gone, resting = [], []
    last_ns = max(one.client.last_ns for link in before.values() for one in link.connections)
    in_use_ns = min(run.end_ns, last_ns, run.last_load_ns or run.end_ns)
    for name in idle:
        ends = [one.ended_ns for one in run.faults if one.reaches(name, names) and one.ended_ns is not None]
        beside = [one for other, one in before.items() if pair_of(other) == pair_of(name)]
        if not ends or any(_carries(one, max(ends), run.end_ns) for one in beside):
            continue
        watched_ns = max(0, in_use_ns - max(ends))
        rest_ns = _longest_rest_ns(before[name], run.first_load_ns or 0, run.first_fault_ns or run.end_ns)
        if rest_ns is None:
            continue
        if watched_ns > rest_ns:
            gone.append(name)
        else:
            resting.append(
                f"{name} carried nothing since a fault hit it, and was watched for {watched_ns / 1e9:.1f} s "
                f"of load: without a fault it rests for up to {rest_ns / 1e9:.1f} s"
            )
    return gone, resting


def _longest_rest_ns(link: LinkJournal, from_ns: int, until_ns: int) -> int | None:
    """Return the longest time between two instants in which no client sent anything on a link; None where it
    was used once or not at all, so that its rest is not known.
    """
    used = [
        at_ns
        for one in link.connections
        for at_ns in (one.asked_ns, *one.used_ns)
        if from_ns < at_ns < until_ns
    ]
    if len(used) < 2:
        return None
    begin = [from_ns] if from_ns else []
    return max(later - at_ns for at_ns, later in pairwise([*begin, *sorted(used), until_ns]))


def _carries(link: LinkJournal, from_ns: int, until_ns: int) -> bool:
    return any(
        one.first_answer_ns and one.first_answer_ns < until_ns and one.server.last_ns >= from_ns
        for one in link.connections
    )


def _carried_again_ns(link: LinkJournal, from_ns: int, until_ns: int) -> int | None:
    """Return when a link's server answered first since an instant, as far as its door wrote it down."""
    since = [
        max(from_ns, one.first_answer_ns)
        for one in link.connections
        if 0 < one.first_answer_ns < until_ns and one.server.last_ns >= from_ns
    ]
    return min(since, default=None)


def _wanted_ns(link: LinkJournal, from_ns: int, until_ns: int) -> int | None:
    """Return when a client asked for a connection first since an instant, or sent anything on an open one but
    its goodbye; None where it did not. Of an open one the first bytes since have no time: it is that instant.
    """
    asked = [one.asked_ns for one in link.connections if from_ns <= one.asked_ns < until_ns]
    if any(
        one.asked_ns < from_ns <= one.client.last_ns < until_ns and not _said_goodbye(one)
        for one in link.connections
    ):
        return from_ns
    return min(asked, default=None)


def _said_goodbye(one: LinkConnection) -> bool:
    """Whether the last that a client sent may be of its closing the connection in order."""
    is_in_order = one.client_ended_ns > 0 and one.how == FIN and one.ended_by == CLIENT
    return is_in_order and one.client_ended_ns - one.client.last_ns < GOODBYE_NS


def _counts_from_ns(link: LinkJournal, wanted_ns: int | None, healed_ns: int, until_ns: int) -> int:
    """Return from when the time of a link counts: the heal, or the first ask since, where it had been silent
    for as long before the first fault at `until_ns`.
    """
    if wanted_ns is None or wanted_ns - healed_ns > _longest_silence_ns(link, until_ns):
        return healed_ns
    return max(healed_ns, wanted_ns)


def _longest_silence_ns(link: LinkJournal, until_ns: int) -> int:
    """Return the longest time between two connections of a link before an instant, and since the last one."""
    spans = union(
        (one.asked_ns, max(one.asked_ns + 1, one.client.last_ns, one.server.last_ns))
        for one in link.connections
        if 0 < one.asked_ns < until_ns
    )
    ends = [*(began_ns for began_ns, _ in spans[1:]), until_ns]
    return max((later - ended_ns for (_, ended_ns), later in zip(spans, ends, strict=True)), default=0)


CHECK = Check(
    name=NAME,
    rank=190,
    claim="After the last heal every worker reconnects in time, and stays connected. Of a foreign system: "
    "every link that is used carries traffic again in time.",
    judge=judge,
    broken_by=("reconnection_forgotten", "link_stays_cut"),
    on_system=judge_system,
    time_sensitive=True,
    decided=once_passed,
    requires=(DRIVER, SERVER, CLIENTS),
    params={
        "within_s": Param(
            30, "seconds from the last heal until the last worker is connected for good, at most"
        )
    },
)
