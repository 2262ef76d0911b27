"""Keeps a model up to date with journals that are being written: each event once, in order of time."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

from driver.dashboard.tail import JournalTail
from driver.histories.events import FaultBegun
from driver.histories.journal_kinds import reader_of
from driver.histories.run_timeline import fault_window
from driver.reference.dashboard.model import Model
from driver.reference.dashboard.state_encoder import StateEncoder
from wire.events import Event

HOLD_NS = 150_000_000
"""The age at which an event is applied: earlier ones of other journals may not have been written before."""


class Feed:
    """The journals of one lab, and their model.

    `by_hand` is the folder of the journal of manual faults, which outlives labs: only its events since the
    lab's first event are applied.
    """

    def __init__(self, folder: Path, by_hand: Path | None = None) -> None:
        self.folder = folder
        self.model = Model()
        self.encoder = StateEncoder(self.model)
        self._tails = [JournalTail(folder), *([JournalTail(by_hand)] if by_hand else [])]
        self._pending: list[Event] = []
        self._first_wall_s: float | None = None

    def add(self, event: Event) -> None:
        """Add an event that is in no journal."""
        self._pending.append(event)

    def step(self, now_ns: int, wall_s: float, *, is_live: bool = True) -> bool:
        """Read a piece of each journal, and apply the events of before `now_ns` less HOLD_NS.

        `is_live`: the curves go on to `wall_s` also where there is no event. Returns whether more can be read
        at once.
        """
        until_ns = now_ns - HOLD_NS
        more = False
        for place, tail in enumerate(self._tails):
            for process, lines, has_rest in tail.read():
                events = self._decoded(process, lines, is_of_lab=place == 0)
                self._pending += events
                if has_rest:
                    # The rest of this journal comes next: no later event may be applied before it.
                    until_ns, more = min(until_ns, events[-1].at_ns if events else 0), True
        self._pending.sort(key=_order)
        applied = 0
        for event in self._pending:
            if _order(event) > until_ns:
                break
            self.model.apply(event)
            applied += 1
        del self._pending[:applied]
        if is_live and not more:
            self.model.tick(until_ns, wall_s - HOLD_NS / 1e9)
        return more

    def _decoded(self, process: str, lines: list[bytes], is_of_lab: bool) -> list[Event]:
        # Lines that do not decode are left to the judge: torn by a kill, of another version or process.
        decoded = map(reader_of(process).event, repeat(process), lines)
        events = [event for event in decoded if event is not None]
        if is_of_lab and events and self._first_wall_s is None:
            self._first_wall_s = min(event.wall_s for event in events)
        if not is_of_lab:
            first_s = self._first_wall_s
            events = [event for event in events if first_s is not None and event.wall_s >= first_s]
        return events


def _order(event: Event) -> int:
    """Return an event's place in time (ns): a fault's is its due time, before its effects."""
    return fault_window(event, None, None).due_ns if isinstance(event, FaultBegun) else event.at_ns
