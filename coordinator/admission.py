"""Admission control: two rates, and a slot for each worker that has to retry later.

A refused worker gets a slot of its own, each one later than the previous by the time that one
admission takes. It is admitted when it retries at its slot, and new workers queue behind. So a storm
is over after workers ÷ rate seconds, without a second wave.

Resumptions move the slots of workers that begin: a worker that retries at its slot may get a later
one. So in any window, both lanes together admit at most what the rate and one burst of each lane
allow, where a resumption counts as 1 ÷ RESUME_SPEEDUP. (A worker that is late for its slot, by at
most SLOT_KEPT_NS, is admitted beside those that are on time.)
"""

from __future__ import annotations

from collections import OrderedDict

from coordinator.token_bucket import NS

RESUME_SPEEDUP = 4
"""A worker that resumes holds attempts under leases, so it is admitted this many times as fast, by a lane of
its own. (Both kinds of handshake cost about the same.)
"""
SLOT_KEPT_NS = 60 * NS
SLOTS_MAX = 20_000
"""Limit of future slots, equal to that of sessions. Beyond it a worker gets a wait and no slot: made-up names
push no slot into the next hour.
"""
EARLY_NS = 5_000_000


class AdmissionLane:
    """A token bucket that books tokens ahead of time (the generic cell rate algorithm, ITU-T I.371)."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._step_ns = int(NS / rate_per_s)
        self._burst_ns = self._step_ns * max(burst, 1)
        self._booked_ns = self._charged_ns = 0
        # By worker: its slot, less the charges before it was booked, so that later charges move the slot.
        self._slots: OrderedDict[str, int] = OrderedDict()

    def wait_ns(self, worker: str, now_ns: int) -> int:
        """Return 0 to admit `worker`, else the time until its slot."""
        booked_slot_ns = self._slots.get(worker)
        if booked_slot_ns is not None:
            slot_ns = booked_slot_ns + self._charged_ns
            if now_ns < slot_ns - EARLY_NS:
                return slot_ns - now_ns
            if now_ns < slot_ns + SLOT_KEPT_NS:
                del self._slots[worker]
                return 0
        booked_ns = max(self._booked_ns, now_ns) + self._step_ns
        wait_ns = booked_ns - self._burst_ns - now_ns
        if wait_ns > SLOTS_MAX * self._step_ns:
            return SLOTS_MAX * self._step_ns
        self._booked_ns = booked_ns
        if wait_ns <= 0:
            return 0
        self._slots[worker] = now_ns + wait_ns - self._charged_ns
        self._slots.move_to_end(worker)
        # Some slots that passed unused are still valid; the oldest are removed when room is needed.
        if len(self._slots) > 2 * SLOTS_MAX:
            self._slots.popitem(last=False)
        return wait_ns

    def charge(self, now_ns: int, share: int) -> None:
        """Charge one part in `share` of an admission, so that every slot is that much later."""
        self._booked_ns = max(self._booked_ns, now_ns) + self._step_ns // share
        self._charged_ns += self._step_ns // share


class Admission:
    """One lane for workers that resume, and one for workers that begin. The first never waits for the
    second.
    """

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._resuming = AdmissionLane(rate_per_s * RESUME_SPEEDUP, burst * RESUME_SPEEDUP)
        self._beginning = AdmissionLane(rate_per_s, burst)

    def wait_ns(self, worker: str, now_ns: int, *, resuming: bool) -> int:
        """Return 0 to admit `worker`, else the time in nanoseconds after which it should retry."""
        if not resuming:
            return self._beginning.wait_ns(worker, now_ns)
        wait_ns = self._resuming.wait_ns(worker, now_ns)
        if wait_ns == 0:
            self._beginning.charge(now_ns, RESUME_SPEEDUP)
        return wait_ns
