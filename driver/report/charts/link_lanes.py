"""Lanes of a foreign system: of containers that did not always run, and of each link, by pairs. Pure."""

from __future__ import annotations

from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.events import ContainerChange
from driver.histories.history import History
from driver.histories.intervals import Interval, length_ns
from driver.histories.link_connections import link_journals
from driver.histories.link_names import pair_of
from driver.histories.link_spans import link_spans
from driver.report.charts.lanes import CONNECTED, DOWN, ONE_SIDED, Clock, Lane, outage_note, thinned

_STATES = {"running": CONNECTED, "paused": ONE_SIDED}
"""What a container's lane shows; any other state is DOWN."""


def system_lanes(history: History, clock: Clock) -> list[Lane]:
    """Return the lanes of containers, then those of links, those of one pair together."""
    links = history.view(connection_histories)
    asked = {
        name: [one.asked_ns for one in read.connections] for name, read in link_journals(history).items()
    }
    ordered = sorted(links.values(), key=lambda one: (pair_of(one.client), len(one.client), one.client))
    return [
        *_containers(history, clock),
        *(_link(one, asked.get(one.client, []), clock) for one in ordered),
    ]


def _link(connections: ConnectionHistory, asked_ns: list[int], clock: Clock) -> Lane:
    spans = link_spans(connections, clock.end_ns)
    drawn = ((CONNECTED, spans.connected), (ONE_SIDED, spans.one_sided), (DOWN, spans.away))
    states = [(clock(begin), clock(end), state) for state, each in drawn for begin, end in each]
    shown_ns = [at_ns for at_ns in sorted(asked_ns) if at_ns <= clock.end_ns]
    return Lane(
        name=connections.client,
        states=sorted(states),
        attempts=[clock(at_ns) for at_ns in thinned(shown_ns, clock.step_ns)],
        busy=[],
        notes=[outage_note(outage, {}, clock) for outage in connections.outages],
        trouble=round(length_ns([*spans.away, *spans.one_sided]) / 1e9, 3),
    )


def _containers(history: History, clock: Clock) -> list[Lane]:
    """Return a lane for each container that was not running all the time."""
    changes: dict[str, list[ContainerChange]] = {}
    for event in history.of(ContainerChange):
        changes.setdefault(event.container, []).append(event)
    lanes = []
    for name, events in sorted(changes.items()):
        spans: list[tuple[Interval, int]] = []
        for event, following in zip(events, [*events[1:], None], strict=True):
            end_ns = clock.end_ns if following is None else min(following.at_ns, clock.end_ns)
            if end_ns > event.at_ns:
                spans.append(((event.at_ns, end_ns), _STATES.get(event.status, DOWN)))
        away_ns = length_ns(span for span, state in spans if state != CONNECTED)
        if away_ns:
            states = [(clock(begin), clock(end), state) for (begin, end), state in spans]
            lanes.append(Lane(name, states, [], [], [], round(away_ns / 1e9, 3)))
    return lanes
