"""Lanes of the reference system: the coordinator's, and each worker's. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import SERVER, History
from driver.histories.intervals import Interval, difference, intersection, union
from driver.report.charts.lanes import CONNECTED, DOWN, ONE_SIDED, Clock, Lane, outage_note, thinned
from wire.events import Connected, ConnectionLost, Event, ProcessStarted, ProcessStopping
from wire.task_events import Finished, LeaseExpired, Started


def worker_lanes(history: History, clock: Clock) -> list[Lane]:
    """Return the lanes of the reference system: the coordinator's, then each worker's."""
    workers = history.view(connection_histories).values()
    return [_coordinator(history, clock), *(_worker(history, one, clock) for one in workers)]


def _coordinator(history: History, clock: Clock) -> Lane:
    lives = _lives(history.by(SERVER), clock.end_ns)
    states = [(clock(begin), clock(end), CONNECTED) for begin, end in lives]
    gaps = difference([(lives[0][0], lives[-1][1])], lives) if lives else []
    states += [(clock(begin), clock(end), DOWN) for begin, end in gaps]
    return Lane(SERVER, states, [], [], [], float(len(gaps)))


def _worker(history: History, connections: ConnectionHistory, clock: Clock) -> Lane:
    events = history.by(connections.client)
    both = connections.connected
    by_client, by_server = connections.by_client, connections.by_server
    one_sided = union([*difference(by_client, both), *difference(by_server, both)])
    whole = [(clock.begin_ns, clock.end_ns)]
    alive = intersection(_lives(events, clock.end_ns), whole)
    down = difference(difference(alive, both), one_sided)
    states = [
        (clock(begin), clock(end), state)
        for state, intervals in ((CONNECTED, both), (ONE_SIDED, one_sided), (DOWN, down))
        for begin, end in intervals
    ]
    lines = _lines(history, connections.client)
    attempts = [one.began.at_ns for one in connections.attempts if one.began.at_ns <= clock.end_ns]
    return Lane(
        name=connections.client,
        states=sorted(states),
        attempts=[clock(at_ns) for at_ns in thinned(attempts, clock.step_ns)],
        busy=[(clock(begin), clock(end)) for begin, end in _busy(events, clock)],
        notes=[outage_note(outage, lines, clock) for outage in connections.outages],
        trouble=round(sum((end - begin) for begin, end in [*down, *one_sided]) / 1e9, 3),
    )


def _lives(events: Sequence[Event], end_ns: int) -> list[Interval]:
    """Return the spans from each first line of a process to its last."""
    lives: list[Interval] = []
    begin_ns = last_ns = None
    for event in events:
        if isinstance(event, ProcessStarted):
            if begin_ns is not None and last_ns is not None:
                lives.append((begin_ns, last_ns))
            begin_ns = event.at_ns
        last_ns = event.at_ns
        if isinstance(event, ProcessStopping) and begin_ns is not None:
            lives.append((begin_ns, last_ns))
            begin_ns = None
    if begin_ns is not None:
        lives.append((begin_ns, end_ns))
    return union((begin, min(end, end_ns)) for begin, end in lives)


def _busy(events: Sequence[Event], clock: Clock) -> list[Interval]:
    """Return the spans in which an attempt ran, short pauses closed."""
    running: dict[int, int] = {}
    spans: list[Interval] = []
    for event in events:
        if isinstance(event, Started):
            running[event.token] = event.at_ns
        elif isinstance(event, Finished | LeaseExpired) and event.token in running:
            spans.append((running.pop(event.token), event.at_ns + clock.step_ns))
    return [(begin, min(end, clock.end_ns)) for begin, end in union(spans) if begin < clock.end_ns]


def _lines(history: History, worker: str) -> dict[int, int]:
    """Return the line numbers of the events that notes refer to, by the event's identity."""
    journal = history.journals.get(worker)
    if journal is None:
        return {}
    pairs = zip(journal.events, journal.line_numbers, strict=True)
    return {id(event): line for event, line in pairs if isinstance(event, ConnectionLost | Connected)}
