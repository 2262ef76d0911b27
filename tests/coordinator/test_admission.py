"""Admission against a plain model: token buckets that are counted out, under arrivals in any order."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from coordinator.admission import EARLY_NS, RESUME_SPEEDUP, SLOT_KEPT_NS, Admission, AdmissionLane
from coordinator.token_bucket import NS

MS = 1_000_000


class PlainLane:
    """A token bucket: `credit_ns` is the time's worth of admissions that may come at once."""

    def __init__(self, rate_per_s: float, burst: int, now_ns: int) -> None:
        self.step_ns = int(NS / rate_per_s)
        self.most_ns = self.credit_ns = self.step_ns * burst
        self.filled_ns = now_ns
        self.slots: dict[str, int] = {}

    def charge(self, now_ns: int, cost_ns: int) -> None:
        self.spend(now_ns, cost_ns)
        self.slots = {worker: slot_ns + cost_ns for worker, slot_ns in self.slots.items()}

    def spend(self, now_ns: int, cost_ns: int) -> None:
        self.credit_ns = min(self.most_ns, self.credit_ns + now_ns - self.filled_ns) - cost_ns
        self.filled_ns = now_ns

    def wait_ns(self, worker: str, now_ns: int) -> int:
        slot_ns = self.slots.get(worker)
        if slot_ns is not None and now_ns < slot_ns - EARLY_NS:
            return slot_ns - now_ns
        if slot_ns is not None and now_ns < slot_ns + SLOT_KEPT_NS:
            del self.slots[worker]
            return 0
        self.spend(now_ns, self.step_ns)
        if self.credit_ns >= 0:
            return 0
        self.slots[worker] = now_ns - self.credit_ns
        return -self.credit_ns


class PlainAdmission:
    """Two buckets. The fast one admits resumptions, which also cost the slow one a share."""

    def __init__(self, rate_per_s: float, burst: int, now_ns: int) -> None:
        self.fast = PlainLane(rate_per_s * RESUME_SPEEDUP, burst * RESUME_SPEEDUP, now_ns)
        self.slow = PlainLane(rate_per_s, burst, now_ns)

    def wait_ns(self, worker: str, now_ns: int, *, resuming: bool) -> int:
        if not resuming:
            return self.slow.wait_ns(worker, now_ns)
        wait_ns = self.fast.wait_ns(worker, now_ns)
        if not wait_ns:
            self.slow.charge(now_ns, self.slow.step_ns // RESUME_SPEEDUP)
        return wait_ns


COMING = st.tuples(st.sampled_from((0, 0, 0, 1, 7, 40, 300, 5_000, 70_000)), st.integers(0, 9), st.booleans())


@given(st.lists(COMING, max_size=120), st.sampled_from((3.0, 20.0, 400.0)), st.integers(1, 5))
def test_every_wait_is_that_of_plain_buckets(
    coming: list[tuple[int, int, bool]], rate: float, burst: int
) -> None:
    now_ns = 10 * NS
    real, plain = Admission(rate, burst), PlainAdmission(rate, burst, now_ns)
    for after_ms, worker, resuming in coming:
        now_ns += after_ms * MS
        expected = plain.wait_ns(f"w{worker}", now_ns, resuming=resuming)
        assert real.wait_ns(f"w{worker}", now_ns, resuming=resuming) == expected


@given(
    st.lists(st.tuples(st.sampled_from((0, 0, 1, 9, 60, 400)), st.booleans()), min_size=1, max_size=80),
    st.sampled_from((3.0, 20.0)),
    st.integers(1, 5),
)
def test_no_window_lets_in_more_than_its_rate_and_one_burst(
    coming: list[tuple[int, bool]], rate: float, burst: int
) -> None:
    """Each worker tries once, and again at its slot: admissions of either lane, and the resumptions' share of
    the slow one, stay below rate × window + burst.
    """
    admission, now_ns = Admission(rate, burst), 10 * NS
    fast: list[int] = []
    slow: list[int] = []
    at_once: list[tuple[int, float]] = []
    for number, (after_ms, resuming) in enumerate(coming):
        now_ns += after_ms * MS
        wait_ns = admission.wait_ns(f"w{number}", now_ns, resuming=resuming)
        (fast if resuming else slow).append(now_ns + wait_ns)
        if not wait_ns:
            at_once.append((now_ns, 1 / RESUME_SPEEDUP if resuming else 1.0))
    for admitted, per_s, most in ((slow, rate, burst), (fast, rate * 4, burst * 4)):
        admitted.sort()
        for first in range(len(admitted)):
            for last in range(first, len(admitted)):
                window_s = (admitted[last] - admitted[first]) / NS
                assert last - first + 1 <= per_s * window_s + most + 1e-3
    for first, (began_ns, _) in enumerate(at_once):
        spent = 0.0
        for at_ns, cost in at_once[first:]:
            # (Resumptions never wait for new sessions: they may overdraw, new sessions may not.)
            spent += cost
            if cost == 1.0:
                assert spent <= rate * (at_ns - began_ns) / NS + burst + 1e-3


@given(
    st.lists(st.tuples(st.sampled_from((0, 0, 0, 1, 9, 60, 400)), st.booleans()), min_size=1, max_size=150),
    st.sampled_from((3.0, 20.0)),
    st.integers(1, 5),
)
def test_both_lanes_together_let_in_what_the_rate_and_one_burst_of_each_allow(
    coming: list[tuple[int, bool]], rate: float, burst: int
) -> None:
    """Each worker tries again whenever its wait is over, until it is admitted."""
    admission, let_in, now_ns = Admission(rate, burst), list[tuple[int, float]](), 10 * NS
    due: list[tuple[int, int, bool]] = []
    for number, (after_ms, resuming) in enumerate(coming):
        now_ns += after_ms * MS
        due.append((now_ns, number, resuming))
    heapify(due)
    while due:
        at_ns, number, resuming = heappop(due)
        if wait_ns := admission.wait_ns(f"w{number}", at_ns, resuming=resuming):
            heappush(due, (at_ns + wait_ns, number, resuming))
        else:
            let_in.append((at_ns, 1 / RESUME_SPEEDUP if resuming else 1.0))
    assert len(let_in) == len(coming)
    for first, (began_ns, _) in enumerate(let_in):
        spent = 0.0
        for at_ns, cost in let_in[first:]:
            spent += cost
            assert spent <= rate * (at_ns - began_ns) / NS + 2 * burst + 1e-3


def test_a_wave_of_resuming_workers_moves_the_slots_that_were_given_before() -> None:
    admission = Admission(10.0, 1)
    waits_ns = [admission.wait_ns(f"n{number}", 0, resuming=False) for number in range(3)]
    assert waits_ns == [0, 100 * MS, 200 * MS]
    assert [admission.wait_ns(f"w{number}", 0, resuming=True) for number in range(4)] == [0] * 4
    assert admission.wait_ns("n1", 100 * MS, resuming=False) == 100 * MS
    assert admission.wait_ns("n1", 200 * MS, resuming=False) == 0
    assert admission.wait_ns("n2", 300 * MS, resuming=False) == 0


def test_a_slot_is_nobodys_any_more_after_a_minute() -> None:
    lane = AdmissionLane(10.0, 1)
    assert lane.wait_ns("a", 0) == 0
    wait_ns = lane.wait_ns("b", 0)
    assert wait_ns == NS // 10
    late_ns = wait_ns + SLOT_KEPT_NS
    assert [lane.wait_ns(name, late_ns) for name in ("c", "b")] == [0, NS // 10], "b queues behind c"


def test_a_slot_counts_from_a_little_before_its_time() -> None:
    lane = AdmissionLane(10.0, 1)
    lane.wait_ns("a", 0)
    slot_ns = lane.wait_ns("b", 0)
    assert lane.wait_ns("b", slot_ns - EARLY_NS - 1) == EARLY_NS + 1
    assert lane.wait_ns("b", slot_ns - EARLY_NS) == 0


def test_resumes_are_admitted_four_times_as_fast_and_cost_new_sessions_a_quarter() -> None:
    resuming, beginning = Admission(10.0, 2), Admission(10.0, 2)
    assert [resuming.wait_ns(f"w{number}", 0, resuming=True) for number in range(9)] == [0] * 8 + [25 * MS]
    assert [beginning.wait_ns(f"w{number}", 0, resuming=True) for number in range(4)] == [0] * 4
    assert [beginning.wait_ns(f"n{number}", 0, resuming=False) for number in range(2)] == [0, 100 * MS]
