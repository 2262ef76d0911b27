"""Features of a judged history, by which a schedule shows something new. Pure.

A feature is a text: its kind, then what was seen, separated by bars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from driver.checks.finding import Finding
from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from driver.histories.link_connections import LinkConnection, LinkJournal, link_journals
from driver.histories.link_names import touches
from driver.histories.readings import readings_by_name
from driver.histories.run_timeline import FaultWindow, run_timeline
from driver.histories.system_events import Operation
from driver.search.finding_key import kind_of_name
from wire.events import Connected, ConnectFailed, ConnectionLost, HandshakeRefused, ProcessStopping

MOST_PATTERNS = 200
"""Patterns of logs that one schedule can add."""


def features_of(
    history: History, findings: Sequence[Finding], patterns: Mapping[str, Iterable[str]]
) -> frozenset[str]:
    """Return the features of a judged schedule. `patterns` are those of its logs' lines, by container."""
    return frozenset(
        [
            *_link_states(history),
            *_phases(history),
            *_dialled(history),
            *_depths(history),
            *_outcomes(history),
            *_margins(findings),
            *_patterns(patterns),
        ]
    )


def _link_states(history: History) -> Iterator[str]:
    """States that each link was in, and those that all were in at once when the faults were over."""
    ends = {}
    for name, found in history.view(connection_histories).items():
        link = kind_of_name(name)
        last = "idle at the end"
        for event in history.by(name):
            if isinstance(event, Connected):
                last = "connected"
                yield f"link|{link}|connected"
            elif isinstance(event, ConnectionLost):
                last = "down at the end"
                yield f"link|{link}|lost: {event.kind}"
            elif isinstance(event, ConnectFailed):
                last = "down at the end"
                yield f"link|{link}|failed: {event.kind}"
            elif isinstance(event, ProcessStopping):
                last = "idle at the end"
        ends[link] = last
        yield f"link|{link}|{last}"
        yield f"outages|{link}|{magnitude(len(found.outages))}"
    if ends:
        yield "links at the end|" + ", ".join(f"{link} {state}" for link, state in sorted(ends.items()))


def _phases(history: History) -> Iterator[str]:
    """In which phase of a connection a fault met each link that it reached."""
    windows = history.view(run_timeline).faults
    for journal in history.view(link_journals).values():
        for window in windows:
            if any(one == journal.link or touches(journal.link, one) for one in window.targets):
                for phase in sorted(_phases_at(journal, window)):
                    yield f"phase|{kind_of_name(journal.link)}|{window.kind}|{phase}"
    for joined in history.of(Connected):
        yield f"handshake|{joined.outcome}"
    for refused in history.of(HandshakeRefused):
        yield f"handshake|refused: {refused.reason}"


def _dialled(history: History) -> Iterator[str]:
    """The links on which a connection began while faults could."""
    timeline = history.view(run_timeline).phases.get("timeline")
    if timeline is None or timeline.ended_ns is None:
        return
    for journal in history.view(link_journals).values():
        if any(timeline.began_ns <= one.asked_ns <= timeline.ended_ns for one in journal.connections):
            yield f"dialled|{kind_of_name(journal.link)}"


def _phases_at(journal: LinkJournal, window: FaultWindow) -> set[str]:
    at_ns = window.began_ns
    phases = {
        _phase(one, at_ns)
        for one in journal.connections
        if one.asked_ns <= at_ns and not 0 < one.client_ended_ns < at_ns
    }
    return phases or {"no connection"}


def _phase(one: LinkConnection, at_ns: int) -> str:
    if not one.opened_ns or one.opened_ns > at_ns:
        return "dialling"
    if not one.first_answer_ns or one.first_answer_ns > at_ns:
        return "before the first answer"
    # The door's last line about a connection may be later than the fault: then it says what came after it.
    sent_ns, answered_ns = min(one.client.last_ns, at_ns), min(one.server.last_ns, at_ns)
    return "waiting for an answer" if sent_ns > answered_ns else "answered"


def _depths(history: History) -> Iterator[str]:
    """The magnitudes of the smallest and largest number that each observation showed."""
    for name, readings in history.view(readings_by_name).items():
        numbers = [one.number for one in readings if one.number is not None]
        if any(one.unknown for one in readings):
            yield f"unreadable|{name}"
        if numbers:
            yield f"least|{name}|{magnitude(min(numbers))}"
            yield f"most|{name}|{magnitude(max(numbers))}"


def _outcomes(history: History) -> Iterator[str]:
    counts: dict[tuple[str, str], int] = {}
    for one in history.of(Operation):
        counts[one.load, one.outcome] = counts.get((one.load, one.outcome), 0) + 1
    for (load, outcome), count in sorted(counts.items()):
        yield f"operations|{load}|{outcome}|{magnitude(count)}"


def _margins(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"finding|{one.check}|{one.status.value}"
        if one.margin is not None and one.margin > 0:
            yield f"margin|{one.check}|{magnitude(one.margin)}"


def _patterns(patterns: Mapping[str, Iterable[str]]) -> list[str]:
    found = sorted({f"log|{kind_of_name(name)}|{one}" for name, some in patterns.items() for one in some})
    return found[:MOST_PATTERNS]


def magnitude(number: float) -> str:
    """Return a number's power of two in words: `0`, `under 1`, `4 to 8`, `-8 to -4`."""
    if not math.isfinite(number):
        return "no number"
    if number == 0:
        return "0"
    sign, size = ("-" if number < 0 else ""), abs(number)
    if size < 1:
        return f"{sign}under 1"
    low = 2 ** math.floor(math.log2(size))
    return f"{sign}{low} to {sign}{2 * low}"
