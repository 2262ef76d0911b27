"""How fast workers are let in: two lanes, and a row of slots for those who must come back later.

A worker that is turned away gets a slot of its own, each one later than the last by the time that one
admission takes; whoever comes back at its slot is let in, and newcomers queue behind. So a storm is over
after workers ÷ rate seconds, without a second wave.

Those who resume move the slots of those who begin: a worker that comes at the time it was given may get a
later one. So both lanes together let in, in any window, at most what the rate and one burst of each lane
allow, where a resumption counts as 1 ÷ RESUME_SPEEDUP. (Whoever comes late to its slot, by SLOT_KEPT_NS at
the most, comes in beside those whose turn it is.)
"""

from __future__ import annotations

from collections import OrderedDict

NS = 1_000_000_000
RESUME_SPEEDUP = 4
"""Whoever resumes holds work under a lease that runs out, so it is let in that many times as fast, by a lane
of its own. (Both kinds of handshake cost about the same.)
"""
SLOT_KEPT_NS = 60 * NS
SLOTS_MAX = 20_000
"""Slots that lie ahead, as many as there are sessions at the most. Beyond them there is a wait and no slot:
made-up names push no slot into the next hour.
"""
EARLY_NS = 5_000_000


class AdmissionLane:
    """A token bucket that hands out its future (the generic cell rate algorithm, ITU-T I.371)."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._step_ns = int(NS / rate_per_s)
        self._burst_ns = self._step_ns * max(burst, 1)
        self._booked_ns = self._charged_ns = 0
        # Of each worker its slot less what was charged before it was booked: later charges move the slot.
        self._slots: OrderedDict[str, int] = OrderedDict()

    def wait_ns(self, worker: str, now_ns: int) -> int:
        """0 lets `worker` in; else it is to come back after so long, and has its slot then."""
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
        # Of those that passed unused some are still good; the rest are forgotten as room is needed.
        if len(self._slots) > 2 * SLOTS_MAX:
            self._slots.popitem(last=False)
        return wait_ns

    def charge(self, now_ns: int, share: int) -> None:
        """Something else used up one part in `share` of an admission: every slot is that much later."""
        self._booked_ns = max(self._booked_ns, now_ns) + self._step_ns // share
        self._charged_ns += self._step_ns // share


class Admission:
    """The lane of those who resume, and that of those who begin. The former is never behind the latter."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._resuming = AdmissionLane(rate_per_s * RESUME_SPEEDUP, burst * RESUME_SPEEDUP)
        self._beginning = AdmissionLane(rate_per_s, burst)

    def wait_ns(self, worker: str, now_ns: int, *, resuming: bool) -> int:
        """0 lets `worker` in; else how long it is to wait before it asks again."""
        if not resuming:
            return self._beginning.wait_ns(worker, now_ns)
        wait_ns = self._resuming.wait_ns(worker, now_ns)
        if wait_ns == 0:
            self._beginning.charge(now_ns, RESUME_SPEEDUP)
        return wait_ns
