"""The gaps between attempts: from the end of one, or of the connection, to the begin of the next. Pure.

They come from the times of events alone, not from the delays and the policy that clients record.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driver.forensics.policies import Numbers, PriorAttempts
from driver.forensics.settings import server_settings
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import Connected, ConnectFailed, Connecting, ConnectionLost, Event, ProcessStarted

MAX_PER_OUTAGE = 16
"""A doubling delay reaches its cap by then."""
MAX_GAPS = 1_500


@dataclass(frozen=True)
class RetryGaps:
    """Gaps, each with the attempts before it. Gaps of one outage have the same number in `outage`."""

    gap_s: Numbers
    before: PriorAttempts
    outage: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gap_s)

    @property
    def outages(self) -> int:
        """The number of outages."""
        return len(np.unique(self.outage))

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> RetryGaps:
        """Return a selection of the gaps."""
        before = self.before
        return RetryGaps(
            self.gap_s[which],
            PriorAttempts(before.number[which], before.previous_s[which], before.slot_s[which]),
            self.outage[which],
        )


def gaps_by_client(history: History) -> dict[str, RetryGaps]:
    """Return each client's gaps, in order, without those whose begin or slot is unknown."""
    stable_ns = int(server_settings(history).heartbeat_timeout_ms * 1e6)
    end_ns = history.view(run_timeline).end_ns
    return {client: _walk(history.by(client), stable_ns, end_ns) for client in history.clients}


def pooled(each: Sequence[RetryGaps]) -> RetryGaps:
    """Return the gaps of many clients as those of one fleet."""
    if not each:
        return _gaps([], [], [], [], [])
    first, outages = 0, []
    for gaps in each:
        outages.append(gaps.outage + first)
        first += int(gaps.outage.max(initial=-1)) + 1
    return RetryGaps(
        np.concatenate([gaps.gap_s for gaps in each]),
        PriorAttempts(
            np.concatenate([gaps.before.number for gaps in each]),
            np.concatenate([gaps.before.previous_s for gaps in each]),
            np.concatenate([gaps.before.slot_s for gaps in each]),
        ),
        np.concatenate(outages),
    )


def sampled(gaps: RetryGaps, most: int = MAX_GAPS) -> RetryGaps:
    """Return at most `most` gaps: the first of each outage, of evenly chosen outages."""
    if len(gaps) <= most:
        return gaps
    outages, first, which = np.unique(gaps.outage, return_index=True, return_inverse=True)
    gaps = gaps.chosen(np.arange(len(gaps)) - first[which] < MAX_PER_OUTAGE)
    many = min(len(outages), max(1, len(outages) * most // len(gaps)))
    kept = outages[np.linspace(0, len(outages) - 1, many).astype(int)]
    return gaps.chosen(np.isin(gaps.outage, kept))


def _walk(events: Sequence[Event], stable_ns: int, end_ns: int) -> RetryGaps:
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
            # Before its first welcome a process uses defaults, not the coordinator's advice.
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
            # A coordinator that shuts down assigns slots, which no journal records.
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
) -> RetryGaps:
    return RetryGaps(
        np.array(gap_s, dtype=np.float64),
        PriorAttempts(
            np.array(number, dtype=np.float64),
            np.array(previous_s, dtype=np.float64),
            np.array(slot_s, dtype=np.float64),
        ),
        np.array(outage, dtype=np.int64),
    )
