"""When server and client disagree about their connection. Pure.

A zombie is a client that is connected by the server's journal alone; a ghost is one that is connected by
its own journal alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.connection_history import connection_histories
from driver.histories.history import SERVER, History
from driver.histories.intervals import difference, union
from driver.histories.run_timeline import EARLY_EFFECT_NS, run_timeline

MIN_LENGTH_NS = 100_000_000
"""Both sides of a handshake, or of a close, write their lines up to this far apart on a busy machine."""


@dataclass(frozen=True)
class Disagreement:
    """An interval in which one side's journal alone has a client connected. `fault` is the fault at its
    begin, or "".
    """

    client: str
    what: str
    begin_ns: int
    end_ns: int
    fault: str

    @property
    def lasted_s(self) -> float:
        """Its length in seconds."""
        return (self.end_ns - self.begin_ns) / 1e9


def disagreements(history: History) -> list[Disagreement]:
    """Return all intervals longer than MIN_LENGTH_NS, the longest first; none where a journal is missing."""
    if not history.by(SERVER):
        return []
    unclear = union(
        (window.due_ns - EARLY_EFFECT_NS, window.began_ns)
        for window in history.view(run_timeline).faults
        if SERVER in window.targets
    )
    found = [
        Disagreement(
            connections.client, what, begin_ns, end_ns, _fault_at(history, connections.client, begin_ns)
        )
        for connections in history.view(connection_histories).values()
        if history.by(connections.client)
        for what, intervals in connections.one_sided
        # A killed coordinator writes no line: the time of its death is known no better.
        for begin_ns, end_ns in difference(intervals, unclear)
        if end_ns - begin_ns > MIN_LENGTH_NS
    ]
    return sorted(found, key=lambda one: one.begin_ns - one.end_ns)


def _fault_at(history: History, client: str, at_ns: int) -> str:
    over = [
        window
        for window in history.view(run_timeline).faults_on(client)
        if window.due_ns - EARLY_EFFECT_NS <= at_ns
        and (window.ended_ns is None or at_ns <= window.ended_ns + EARLY_EFFECT_NS)
    ]
    return over[-1].fault if over else ""
