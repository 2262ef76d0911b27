"""What the page of a foreign system gets, as a JSON object: lanes of links, containers, faults, events. Pure.

Times are Unix time in seconds, rounded to what a screen shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from driver.dashboard.json_state import JsonObject, fault_state
from driver.dashboard.system_model import LinkRow, SystemModel, loss_kind, short_s
from driver.histories.connection_history import Outage
from driver.histories.intervals import Interval
from driver.histories.link_spans import link_spans
from driver.histories.live_links import LiveLink

WINDOW_S = 300
"""The time that the lanes show."""
STEP_S = 0.5
"""Spans, and attempts, that are closer together than this are drawn as one."""
OUTAGES = 6
"""Outages of one link that the page lists."""
MOST_EVENTS = 200

_NS = 1e9


class WallClock:
    """Converts instants of the monotonic clock to Unix time, by one instant of both."""

    def __init__(self, at_ns: int, wall_s: float) -> None:
        self.at_ns = at_ns
        self._offset_s = wall_s - at_ns / _NS

    def __call__(self, at_ns: int) -> float:
        return round(at_ns / _NS + self._offset_s, 2)

    @property
    def begin_ns(self) -> int:
        """Where the lanes begin."""
        return self.at_ns - WINDOW_S * 1_000_000_000


def system_state(model: SystemModel, clock: WallClock) -> JsonObject:
    """Return the whole state of a model, at the clock's instant."""
    rows = model.links(clock.at_ns)
    live = model.live.links(clock.at_ns)
    return {
        "links": [_link(row, live.get(row.name), clock) for row in rows],
        "containers": [asdict(one) | {"is_well": one.is_well} for one in model.containers()],
        "faults": [fault_state(one) for one in model.faults.all.values()],
        "events": _events(model, live, clock),
    }


def coarse(spans: Iterable[Interval], clock: WallClock, end_ns: int) -> list[tuple[float, float]]:
    """Return spans of the window: those that end at `end_ns` go on until now; close ones are joined."""
    joined: list[tuple[float, float]] = []
    for begin_ns, until_ns in spans:
        if until_ns < clock.begin_ns:
            continue
        begin_s = clock(max(begin_ns, clock.begin_ns))
        until_s = clock(clock.at_ns if until_ns >= end_ns else until_ns)
        if joined and begin_s - joined[-1][1] < STEP_S:
            joined[-1] = (joined[-1][0], until_s)
        else:
            joined.append((begin_s, until_s))
    return joined


def _link(row: LinkRow, live: LiveLink | None, clock: WallClock) -> JsonObject:
    loss = None if row.loss is None else str(row.loss)
    return {**asdict(row), "pair": row.pair, "loss": loss, **_lane(live, clock)}


def _lane(live: LiveLink | None, clock: WallClock) -> JsonObject:
    if live is None or live.connections is None:
        return {"up": [], "split": [], "down": [], "dials": [], "outages": []}
    spans = link_spans(live.connections, live.read_ns)
    dials: list[float] = []
    for one in live.journal.connections:
        at_s = clock(one.asked_ns)
        if one.asked_ns >= clock.begin_ns and (not dials or at_s - dials[-1] >= STEP_S):
            dials.append(at_s)
    return {
        "up": coarse(spans.connected, clock, live.read_ns),
        "split": coarse(spans.one_sided, clock, live.read_ns),
        "down": coarse(spans.away, clock, live.read_ns),
        "dials": dials,
        "outages": [_outage(one, clock) for one in reversed(live.connections.outages[-OUTAGES:])],
    }


def _outage(one: Outage, clock: WallClock) -> JsonObject:
    return {
        "lost_s": clock(one.lost_ns),
        "kind": loss_kind(one),
        "back_s": None if one.back_ns is None else clock(one.back_ns),
        "attempts": len(one.attempts),
        "detected_in_s": one.detection_s,
        "waiting_in_s": one.waiting_s,
        "failing_in_s": one.failed_attempts_s,
        "connecting_in_s": one.handshake_s,
        "back_in_s": one.total_s,
    }


def _events(model: SystemModel, live: Mapping[str, LiveLink], clock: WallClock) -> list[JsonObject]:
    """Return the newest lines: the driver's, and each loss and return of a link."""
    lines: list[tuple[float, str, str, str]] = [
        (line.event.wall_s, line.event.by, str(line.event.__struct_config__.tag), line.text)
        for line in model.log.up_to(model.log.count)
    ]
    for one in live.values():
        for outage in one.connections.outages if one.connections else ():
            lines.append((clock(outage.lost_ns), one.name, "lost", f"lost: {loss_kind(outage)}"))
            if outage.back_ns is not None and outage.total_s is not None:
                text = f"back in {short_s(outage.total_s)}, attempt {len(outage.attempts)}"
                lines.append((clock(outage.back_ns), one.name, "connected", text))
    lines.sort()
    # Numbers grow with time, and are those of the same lines in the next state.
    numbered = zip(_numbers([at_s for at_s, *_ in lines]), lines, strict=True)
    return [
        {"n": number, "t": at_s, "by": by, "event": kind, "text": text}
        for number, (at_s, by, kind, text) in list(numbered)[-MOST_EVENTS:]
    ]


def _numbers(times_s: Sequence[float]) -> Iterator[int]:
    """Return a number for each line: its hundredth of a second, and its place among those of the same one."""
    last, place = -1, 0
    for at_s in times_s:
        now = int(at_s * 100)
        place = place + 1 if now == last else 0
        last = now
        yield now * 1000 + min(place, 999)
