"""Who was believed connected by the other side and was not. Pure.

A zombie is a worker that the coordinator believes connected while it is gone; a ghost is one that believes
itself connected to a coordinator that has given it up.
"""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import COORDINATOR, History
from driver.histories.intervals import Interval, difference, union
from driver.histories.run_timeline import EARLY_EFFECT_NS, run_timeline

ZOMBIE, GHOST = "zombie", "ghost"
SHORTEST_NS = 100_000_000
"""Both sides of a handshake, and of a close, write their lines that far apart on a busy machine."""


@dataclass(frozen=True)
class Belief:
    """A stretch in which one side alone believed a worker connected. `fault` is what lay over its begin, or
    "".
    """

    worker: str
    what: str
    begin_ns: int
    end_ns: int
    fault: str

    @property
    def lasted_s(self) -> float:
        """How long, in seconds."""
        return (self.end_ns - self.begin_ns) / 1e9


def false_beliefs(history: History) -> list[Belief]:
    """All stretches of more than SHORTEST_NS, the longest first; none where either side's journal is
    missing.
    """
    if not history.by(COORDINATOR):
        return []
    unclear = union(
        (window.due_ns - EARLY_EFFECT_NS, window.began_ns)
        for window in history.view(run_timeline).faults
        if COORDINATOR in window.targets
    )
    found = [
        Belief(story.worker, what, begin_ns, end_ns, _fault_at(history, story.worker, begin_ns))
        for story in history.view(connection_histories).values()
        if history.by(story.worker)
        for what, stretches in _stretches(story)
        # A coordinator that is killed writes nothing: when it died is known no better than that.
        for begin_ns, end_ns in difference(stretches, unclear)
        if end_ns - begin_ns > SHORTEST_NS
    ]
    return sorted(found, key=lambda belief: belief.begin_ns - belief.end_ns)


def _stretches(story: ConnectionHistory) -> list[tuple[str, list[Interval]]]:
    return [
        (ZOMBIE, difference(story.by_coordinator, story.by_worker)),
        (GHOST, difference(story.by_worker, story.by_coordinator)),
    ]


def _fault_at(history: History, worker: str, at_ns: int) -> str:
    over = [
        window
        for window in history.view(run_timeline).faults_on(worker)
        if window.due_ns - EARLY_EFFECT_NS <= at_ns
        and (window.ended_ns is None or at_ns <= window.ended_ns + EARLY_EFFECT_NS)
    ]
    return over[-1].fault if over else ""
