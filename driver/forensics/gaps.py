"""The gaps between attempts: from the end of one, or of the connection, to the begin of the next. Pure.

They are read from what happened alone: what a worker says of its policy and of its delays is not looked at.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driver.forensics.policies import Before, Numbers
from driver.forensics.settings import settings_told
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import Connected, ConnectFailed, Connecting, ConnectionLost, Event, ProcessStarted

MOST_OF_ONE = 16
"""A delay that doubles has come to its cap by then, or the outage would be a day long."""
MOST_GAPS = 1_500


@dataclass(frozen=True)
class Gaps:
    """Some gaps, each with what was known before it; `outage` numbers the outages, so that gaps of one are
    alike.
    """

    gap_s: Numbers
    before: Before
    outage: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gap_s)

    @property
    def outages(self) -> int:
        """How many outages they come from."""
        return len(np.unique(self.outage))

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Gaps:
        """Some of them."""
        before = self.before
        return Gaps(
            self.gap_s[which],
            Before(before.number[which], before.previous_s[which], before.slot_s[which]),
            self.outage[which],
        )


def gaps_by_worker(history: History) -> dict[str, Gaps]:
    """Every worker's gaps, in order. A gap whose begin or slot the journal does not tell is left out."""
    stable_ns = int(settings_told(history).heartbeat_timeout_ms * 1e6)
    end_ns = history.view(run_timeline).end_ns
    return {worker: _walk(history.by(worker), stable_ns, end_ns) for worker in history.workers}


def pooled(each: Sequence[Gaps]) -> Gaps:
    """The gaps of many workers as one fleet's."""
    if not each:
        return _gaps([], [], [], [], [])
    first, outages = 0, []
    for gaps in each:
        outages.append(gaps.outage + first)
        first += int(gaps.outage.max(initial=-1)) + 1
    return Gaps(
        np.concatenate([gaps.gap_s for gaps in each]),
        Before(
            np.concatenate([gaps.before.number for gaps in each]),
            np.concatenate([gaps.before.previous_s for gaps in each]),
            np.concatenate([gaps.before.slot_s for gaps in each]),
        ),
        np.concatenate(outages),
    )


def sampled(gaps: Gaps, most: int = MOST_GAPS) -> Gaps:
    """The first gaps of each outage, of as many outages as make up `most` gaps, evenly chosen."""
    if len(gaps) <= most:
        return gaps
    outages, first, which = np.unique(gaps.outage, return_index=True, return_inverse=True)
    gaps = gaps.chosen(np.arange(len(gaps)) - first[which] < MOST_OF_ONE)
    many = min(len(outages), max(1, len(outages) * most // len(gaps)))
    kept = outages[np.linspace(0, len(outages) - 1, many).astype(int)]
    return gaps.chosen(np.isin(gaps.outage, kept))


def _walk(events: Sequence[Event], stable_ns: int, end_ns: int) -> Gaps:
    gap_s, number, previous_s, slot_s = (array("d") for _ in range(4))
    outage = array("q")
    welcomed = False
    connected_ns: int | None = None
    ended_ns: int | None = None
    slot = previous = math.nan
    carried = attempts = rounds = 0
    slot_is_known = True
    for event in events:
        if event.at_ns > end_ns:
            break
        if isinstance(event, ProcessStarted):
            # Until its first welcome a process waits by defaults of its own, not by what it was advised.
            welcomed, connected_ns, ended_ns, carried, previous = False, None, None, 0, 0.0
        elif isinstance(event, Connected):
            welcomed, connected_ns, ended_ns = True, event.at_ns, None
        elif isinstance(event, ConnectionLost):
            rounds += 1
            if connected_ns is None or event.at_ns - connected_ns >= stable_ns:
                carried, previous = 0, 0.0
            else:
                carried += attempts
            attempts = 0
            connected_ns, ended_ns, slot = None, event.at_ns, math.nan
            # A coordinator that leaves gives slots, which no journal tells.
            slot_is_known = event.kind != "going_away"
        elif isinstance(event, ConnectFailed):
            ended_ns, slot_is_known = event.at_ns, True
            slot = event.retry_after_ms / 1e3 if event.retry_after_ms else math.nan
        elif isinstance(event, Connecting):
            attempts = event.attempt
            if ended_ns is None:
                continue
            waited_s = (event.at_ns - ended_ns) / 1e9
            if welcomed and slot_is_known and rounds:
                gap_s.append(waited_s)
                number.append(carried + event.attempt)
                previous_s.append(previous)
                slot_s.append(slot)
                outage.append(rounds)
            previous, ended_ns = waited_s, None
    return _gaps(gap_s, number, previous_s, slot_s, outage)


def _gaps(
    gap_s: Sequence[float],
    number: Sequence[float],
    previous_s: Sequence[float],
    slot_s: Sequence[float],
    outage: Sequence[int],
) -> Gaps:
    return Gaps(
        np.array(gap_s, dtype=np.float64),
        Before(
            np.array(number, dtype=np.float64),
            np.array(previous_s, dtype=np.float64),
            np.array(slot_s, dtype=np.float64),
        ),
        np.array(outage, dtype=np.int64),
    )
