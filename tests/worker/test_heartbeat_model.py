"""The heartbeat's clock against a plain model that looks through the whole record each time."""

from __future__ import annotations

import statistics
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.heartbeat import HeartbeatTimer
from worker.phi import ENOUGH, FLOOR, WINDOW, PhiAccrual, deviations_for, tail

MS = 1_000_000
INTERVAL_MS, TIMEOUT_MS = 500, 1_000


class Plain:
    """All that happened, as (time, kind, how much)."""

    def __init__(self, began_ns: int, first_gap_ns: int) -> None:
        self.record: list[tuple[int, str, int]] = []
        self.began_ns = began_ns
        self.first_gap_ns = first_gap_ns

    def times(self, kind: str) -> list[int]:
        return [at_ns for at_ns, happened, _ in self.record if happened == kind]

    def next_beat_ns(self) -> int:
        """On time, the next is an interval after the time of the last; late ones are not made up for."""
        planned_ns = self.began_ns
        for place, at_ns in enumerate(self.times("beat")):
            gap_ns = self.first_gap_ns if place == 0 else INTERVAL_MS * MS
            planned_ns = max(planned_ns + gap_ns, at_ns + gap_ns // 2)
        return planned_ns

    def since_last_frame(self) -> list[tuple[int, str, int]]:
        places = [place for place, (_, kind, _) in enumerate(self.record) if kind == "heard"]
        return self.record[places[-1] + 1 :] if places else self.record

    def timeout_at_ns(self, *, adaptive: bool) -> int | None:
        """The first unanswered heartbeat plus the timeout, later by the time of all pauses."""
        recent = self.since_last_frame()
        asked = next((place for place, (_, kind, _) in enumerate(recent) if kind == "beat"), None)
        if asked is None:
            return None
        asked_ns = recent[asked][0] + sum(late for _, kind, late in recent[asked:] if kind == "late")
        fixed_ns = asked_ns + TIMEOUT_MS * MS
        answers = self.times("answer")
        gaps = [after - before for before, after in pairwise(answers[1:])][-WINDOW:]
        if not adaptive or len(gaps) < ENOUGH:
            return fixed_ns
        mean = sum(gaps) / len(gaps)
        limit_ns = int(mean + deviations_for(8.0) * max(statistics.pstdev(gaps), FLOOR * mean))
        heard_ns = max([self.began_ns, *self.times("heard")])
        excused_ns = sum(late for _, kind, late in recent if kind == "late")
        return min(fixed_ns, max(heard_ns + excused_ns + limit_ns, asked_ns))


ACTS = st.lists(
    st.tuples(
        st.sampled_from(("look", "look", "answer", "answers", "late", "hear")),
        st.sampled_from((1, 20, 100, 250, 500, 501, 2_000)),
    ),
    max_size=60,
)


def spelled_out(act: tuple[str, int]) -> list[tuple[str, int]]:
    """Enough answers in a row that a link is learned."""
    return [("answer", act[1])] * ENOUGH if act[0] == "answers" else [act]


@given(ACTS, st.sampled_from((0.0, 0.3, 0.99)), st.booleans())
def test_beats_and_silence_are_those_of_the_whole_record(
    acts: list[tuple[str, int]], first_gap: float, adaptive: bool
) -> None:
    now_ns = 7_000 * MS
    real = HeartbeatTimer(now_ns, INTERVAL_MS, TIMEOUT_MS, first_gap, PhiAccrual() if adaptive else None)
    plain = Plain(now_ns, int(first_gap * INTERVAL_MS * MS))
    for act, after_ms in [("look", 0), *(each for one in acts for each in spelled_out(one))]:
        now_ns += after_ms * MS
        if act == "late":
            real.exclude_pause(after_ms * MS)
            plain.record.append((now_ns, "late", after_ms * MS))
        if act in ("answer", "hear"):
            real.on_frame(now_ns)
            plain.record.append((now_ns, "heard", 0))
        if act == "answer":
            real.on_answer(now_ns)
            plain.record.append((now_ns, "answer", 0))
        is_due = now_ns >= plain.next_beat_ns()
        real.due = False
        real.tick(now_ns)
        if is_due:
            plain.record.append((now_ns, "beat", 0))
        assert real.due == is_due
        silent_ns = plain.timeout_at_ns(adaptive=adaptive)
        found_ns = real.timeout_at_ns()
        assert (found_ns is None) == (silent_ns is None)
        # (The mean is of floats: two ways to add them differ by a nanosecond or so.)
        assert abs((found_ns or 0) - (silent_ns or 0)) <= 1_000
        assert real.deadline_ns() == min(plain.next_beat_ns(), found_ns or plain.next_beat_ns())
    beats = plain.times("beat")
    assert all(after - before >= INTERVAL_MS * MS // 2 for before, after in pairwise(beats[1:]))


@given(st.lists(st.integers(10**6, 10**9), min_size=ENOUGH, max_size=150), st.integers(0, 4 * 10**9))
def test_phi_is_what_its_definition_says(gaps: list[int], silence_ns: int) -> None:
    learner = PhiAccrual()
    for gap in gaps:
        learner.learn(gap)
    recent = gaps[-WINDOW:]
    mean = statistics.fmean(recent)
    normal = statistics.NormalDist(mean, max(statistics.pstdev(recent), FLOOR * mean))
    phi = learner.phi(silence_ns)
    if phi < 12:
        assert abs(10**-phi - (1 - normal.cdf(silence_ns))) < 1e-9
    limit_ns = learner.limit_ns()
    assert limit_ns is not None
    assert abs(learner.phi(limit_ns) - 8.0) < 1e-2


def test_too_few_answers_say_nothing() -> None:
    learner = PhiAccrual()
    for _ in range(ENOUGH - 1):
        learner.learn(1_000)
    assert (learner.limit_ns(), learner.phi(10**9)) == (None, 0.0)
    assert abs(tail(deviations_for(8.0)) / 1e-8 - 1) < 1e-6
