"""Refusals in the journal: the first of each kind have a line each, a flood of them one line a
second.

Every refusal is counted (counters.py). `refusals_omitted` lines count the refusals without a line, by
kind, worker and cause, so lines and omissions add up to the counters.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from coordinator.token_bucket import TokenBucket
from wire import events, task_events
from wire.events import Event, Journal
from wire.limits import HELD_MAX

LINES_PER_S: Final = 20
BURSTS: Final[dict[type[Event], int]] = {
    events.HandshakeRefused: 200,
    events.FrameRefused: 200,
    # After an outage a worker reports all its attempts: each refusal of them has its line.
    task_events.ResultRefused: HELD_MAX,
    task_events.CheckpointRefused: HELD_MAX,
}
"""Burst of lines of one kind about one worker."""
ALL_WORKERS: Final = 8
"""Lines about all workers together, as a multiple of those about one."""
WORKERS_MAX: Final = 1_000
OMITTED_MAX: Final = 200


class RefusalLog:
    """Writes refusals, each line within the rate of its worker and that of its kind."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._of_kind = {
            kind: TokenBucket(ALL_WORKERS * LINES_PER_S, ALL_WORKERS * burst)
            for kind, burst in BURSTS.items()
        }
        self._of_worker: OrderedDict[tuple[type[Event], str], TokenBucket] = OrderedDict()
        self._omitted: Counter[tuple[str, str, str]] = Counter()

    def write(self, now_ns: int, kind: type[Event], worker: str, cause: str, /, **fields: object) -> None:
        """Write the line of one refusal, or count it as omitted. The event has `fields`."""
        if self._bucket(kind, worker).take(now_ns) and self._of_kind[kind].take(now_ns):
            self._journal(kind, **fields)
            return
        tag = str(kind.__struct_config__.tag)
        key = (tag, worker, cause)
        if key not in self._omitted and len(self._omitted) >= OMITTED_MAX:
            key = (tag, "", cause)
        self._omitted[key] += 1

    def summarise(self) -> None:
        """Write the omitted refusals since the last call; to be called once a second."""
        for (tag, worker, cause), count in self._omitted.items():
            self._journal(events.RefusalsOmitted, kind=tag, worker=worker, cause=cause, count=count)
        self._omitted.clear()

    def _bucket(self, kind: type[Event], worker: str) -> TokenBucket:
        key = (kind, worker)
        bucket = self._of_worker.get(key)
        if bucket is None:
            bucket = self._of_worker[key] = TokenBucket(LINES_PER_S, BURSTS[kind])
            if len(self._of_worker) > WORKERS_MAX:
                self._of_worker.popitem(last=False)
        return bucket
