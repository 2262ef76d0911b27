"""Keeps a model up to date with journals that are being written: every event once, in order of time."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

from driver.dashboard.model import Model
from driver.dashboard.picture import Painter
from driver.dashboard.tail import Tail
from driver.histories.events import FaultBegun
from driver.histories.journal_kinds import reader_of
from driver.histories.run_timeline import fault_window
from wire.events import Event

HOLD_NS = 150_000_000
"""An event waits so long for others of the same time, which their writers may not have written yet."""


class Feed:
    """The journals of one lab, and their model. `by_hand` is a folder whose journal outlives the labs."""

    def __init__(self, folder: Path, by_hand: Path | None = None) -> None:
        self.folder = folder
        self.model = Model()
        self.painter = Painter(self.model)
        self._tails = [Tail(folder), *([Tail(by_hand)] if by_hand else [])]
        self._pending: list[Event] = []
        self._began_wall_s: float | None = None

    def add(self, event: Event) -> None:
        """An event that no journal tells."""
        self._pending.append(event)

    def step(self, now_ns: int, wall_s: float, *, passes: bool = True) -> bool:
        """Hear what is new until `now_ns`; whether there is more to be read at once.

        `passes`: the lab lives, so that its curves go on also while nothing happens.
        """
        until_ns = now_ns - HOLD_NS
        more = False
        for place, tail in enumerate(self._tails):
            for process, lines, rest in tail.look():
                events = self._decoded(process, lines, of_the_lab=place == 0)
                self._pending += events
                if rest:
                    # Of this file later events are still to be read: nothing newer may be heard before them.
                    until_ns, more = min(until_ns, events[-1].at_ns if events else 0), True
        self._pending.sort(key=_order)
        heard = 0
        for event in self._pending:
            if _order(event) > until_ns:
                break
            self.model.hear(event)
            heard += 1
        del self._pending[:heard]
        if passes and not more:
            self.model.tick(until_ns, wall_s - HOLD_NS / 1e9)
        return more

    def _decoded(self, process: str, lines: list[bytes], of_the_lab: bool) -> list[Event]:
        # A line that a kill tore, of another version or another's to write: the judge will tell of it.
        read = map(reader_of(process).event, repeat(process), lines)
        events = [event for event in read if event is not None]
        if of_the_lab and events and self._began_wall_s is None:
            self._began_wall_s = min(event.wall_s for event in events)
        if not of_the_lab:
            began = self._began_wall_s
            events = [event for event in events if began is not None and event.wall_s >= began]
        return events


def _order(event: Event) -> int:
    """When an event takes its turn: a fault before what it causes, though it is told once it is whole."""
    return fault_window(event, None, None).due_ns if isinstance(event, FaultBegun) else event.at_ns
