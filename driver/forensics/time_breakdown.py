"""How soon each side detected an outage, and the phases of the reconnection. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from driver.histories.connection_history import LOSS, ConnectionHistory, Outage, connection_histories
from driver.histories.history import History
from driver.histories.outage_phases import PHASES, OutagePhase
from driver.histories.server_events import ClientGone, ClientLost, client_of


@dataclass(frozen=True)
class DetectionTimes:
    """One outage, and how long after the break each side detected it.

    `server_s` is None where the server detected nothing before the client reconnected. Both count
    from the same break.
    """

    outage: Outage
    client_s: float
    server_s: float | None


@dataclass(frozen=True)
class TimeBreakdown:
    """The time of all reconnections in one phase, in seconds."""

    phase: OutagePhase
    total_s: float
    share: float
    each_s: tuple[float, ...]


def detection_times(history: History) -> list[DetectionTimes]:
    """Return the detection times of every outage of a running process, in order of the clients."""
    recorded: dict[str, set[int]] = {}
    for event in history.merged(ClientLost, ClientGone):
        if isinstance(event, ClientLost | ClientGone):
            recorded.setdefault(client_of(event), set()).add(event.at_ns)
    return [
        DetectionTimes(
            outage,
            outage.detection_s,
            _server_s(connections, outage, recorded.get(connections.client, set())),
        )
        for connections in history.view(connection_histories).values()
        for outage in connections.outages
        if outage.how == LOSS
    ]


def time_breakdowns(outages: Sequence[Outage]) -> list[TimeBreakdown]:
    """Return the time in each phase, of the outages that ended."""
    ended = [outage for outage in outages if outage.back_ns is not None]
    parts = [tuple(sorted(phase.length_s(outage) or 0.0 for outage in ended)) for phase in PHASES]
    whole_s = math.fsum(seconds for each_s in parts for seconds in each_s)
    return [
        TimeBreakdown(phase, math.fsum(each_s), math.fsum(each_s) / whole_s if whole_s else 0.0, each_s)
        for phase, each_s in zip(PHASES, parts, strict=True)
    ]


def _server_s(connections: ConnectionHistory, outage: Outage, recorded_ns: set[int]) -> float | None:
    """Return how long after the break the server closed the connection; None: not before the next one.

    `recorded_ns` are the times of its own lines about it: an interval that ends otherwise ended with the
    server.
    """
    limit_ns = outage.back_ns if outage.back_ns is not None else math.inf
    for begin_ns, end_ns in connections.by_server:
        if begin_ns <= outage.broken_ns < end_ns:
            noticed = end_ns < limit_ns and end_ns in recorded_ns
            return (end_ns - outage.broken_ns) / 1e9 if noticed else None
    # The coordinator closed the connection before the worker's side of it broke.
    ended = [end_ns for _, end_ns in connections.by_server if end_ns <= outage.broken_ns]
    return 0.0 if ended and ended[-1] in recorded_ns else None
