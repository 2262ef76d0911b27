"""A client is claimed to have lost its connection, and to have come back after many attempts."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from driver.controls.control import GROWTH, Altered, Control, name_of
from driver.histories.connection_history import connection_histories
from driver.histories.history import History
from driver.histories.intervals import Interval
from driver.histories.run_timeline import run_timeline
from wire.events import Connected, ConnectFailed, Connecting, ConnectionLost, Event, ProcessStarted

MOST_ATTEMPTS, MOST_OUTAGES = GROWTH**7, GROWTH**4


def alter(history: History) -> Iterator[Altered]:
    """Claim an outage in the longest connection of a client, with more and more attempts in its first
    millisecond; then more and more outages of all clients, after a loss and after a restart.
    """
    longest = _longest(history)
    if not longest:
        return
    name, (begin_ns, end_ns) = max(longest.items(), key=lambda one: one[1][1] - one[1][0])
    attempts = 1
    while attempts <= MOST_ATTEMPTS:
        added = _outage(name, (begin_ns + end_ns) // 2, attempts)
        change = f"an outage of {name_of(name)} with {attempts:,} attempts claimed"
        yield Altered(change, history.altered([], added))
        attempts *= GROWTH
    added = _outage(name, begin_ns + 1, MOST_ATTEMPTS, length_ns=end_ns - begin_ns)
    change = f"an outage of {name_of(name)} with {MOST_ATTEMPTS:,} attempts in all of its longest connection"
    yield Altered(change, history.altered([], added))
    for restart, what in ((False, "losses"), (True, "restarts")):
        outages = 1
        while outages <= MOST_OUTAGES:
            added = [
                event
                for name, (begin_ns, end_ns) in longest.items()
                for part in range(1, outages + 1)
                for event in _outage(
                    name, begin_ns + (end_ns - begin_ns) * part // (outages + 1), 1, restart=restart
                )
            ]
            yield Altered(f"{outages} more {what} of every worker claimed", history.altered([], added))
            outages *= GROWTH


def _longest(history: History) -> dict[str, Interval]:
    """Return the longest time in which each client was connected; of a run with faults, after the first."""
    first_ns = history.view(run_timeline).first_fault_ns or 0
    found = {}
    for name, connections in history.view(connection_histories).items():
        later = [(max(begin, first_ns), end) for begin, end in connections.by_client if end > first_ns]
        if later:
            found[name] = max(later, key=lambda one: one[1] - one[0])
    return found


def _outage(
    client: str, at_ns: int, attempts: int, *, restart: bool = False, length_ns: int = 1_000_000
) -> list[Event]:
    def line(kind: type[Event], after_ns: int, /, **fields: object) -> Event:
        return kind(at_ns=at_ns + after_ns, wall_s=0.0, by=client, **fields)

    started = {"role": "worker", "incarnation": "", "settings": msgspec.Raw(b"{}")}
    lost = {"session": "", "kind": "closed", "detail": "", "silent_ms": 0.0}
    events = [line(ProcessStarted, 0, **started) if restart else line(ConnectionLost, 0, **lost)]
    step_ns = max(2, length_ns // (attempts + 1))
    for number in range(1, attempts):
        events.append(line(Connecting, number * step_ns, attempt=number))
        failed = {"attempt": number, "kind": "refused", "detail": ""}
        events.append(line(ConnectFailed, number * step_ns + 1, **failed))
    back_ns = attempts * step_ns
    events.append(line(Connecting, back_ns, attempt=attempts))
    session = {"session": "", "epoch": 0, "outcome": "reset", "because": "", "handshake_ms": 0.0}
    return [*events, line(Connected, back_ns + 1, attempt=attempts, replayed=0, **session)]


CONTROL = Control(
    "outage_claimed", "A worker loses its connection once more, and tries often.", alter,
    (ConnectionLost, Connecting, ConnectFailed, Connected, ProcessStarted), rank=140,
)  # fmt: skip
