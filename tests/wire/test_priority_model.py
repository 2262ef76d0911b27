"""The priority queue against a plain model: stride scheduling written out, over plain lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wire.priority import WEIGHTS, Priority, PriorityQueue

AGED_MS = 10


class Plain:
    """Each lane is a list of (queued_ns, item); the lane with the least pass goes first, and each fourth pick
    is for the item that waited too long.
    """

    def __init__(self) -> None:
        self.lanes: dict[Priority, list[tuple[int, int]]] = {priority: [] for priority in Priority}
        self.passes = dict.fromkeys(Priority, 0.0)
        self.now_served = 0.0
        self.picks = 0

    def join(self, priority: Priority) -> None:
        if not self.lanes[priority]:
            self.passes[priority] = max(self.passes[priority], self.now_served)

    def put(self, item: int, priority: Priority, queued_ns: int, *, back: bool) -> None:
        self.join(priority)
        self.lanes[priority].insert(0 if back else len(self.lanes[priority]), (queued_ns, item))

    def choice(self, now_ns: int) -> Priority | None:
        busy = [priority for priority in Priority if self.lanes[priority]]
        if not busy:
            return None
        oldest = min(busy, key=lambda priority: self.lanes[priority][0][0])
        is_aged = now_ns - self.lanes[oldest][0][0] > AGED_MS * 1_000_000
        if self.picks % 4 == 3 and is_aged and len(busy) > 1:
            return oldest
        return min(busy, key=lambda priority: self.passes[priority])

    def take(self, now_ns: int) -> int | None:
        priority = self.choice(now_ns)
        if priority is None:
            return None
        self.picks += 1
        self.now_served = self.passes[priority]
        self.passes[priority] += max(WEIGHTS.values()) / WEIGHTS[priority]
        return self.lanes[priority].pop(0)[1]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "put", "take", "take", "back", "back all", "drop")),
        st.sampled_from(Priority),
        st.sampled_from((0, 1, 3, 12)),
    ),
    max_size=120,
)


@given(ACTS)
def test_each_pick_is_that_of_the_plain_lists(acts: list[tuple[str, Priority, int]]) -> None:
    real: PriorityQueue[int] = PriorityQueue(AGED_MS)
    plain, now_ns = Plain(), 1_000_000_000
    for item, (act, priority, after_ms) in enumerate(acts):
        now_ns += after_ms * 1_000_000
        if act == "put":
            real.put(item, priority, now_ns)
            plain.put(item, priority, now_ns, back=False)
        elif act == "back":
            real.put_back(item, priority, now_ns - after_ms)
            plain.put(item, priority, now_ns - after_ms, back=True)
        elif act == "back all":
            more = [(now_ns - 2, 1_000 + item), (now_ns - 1, 2_000 + item)][: after_ms % 3]
            real.put_back_all(more, priority)
            for queued_ns, each in reversed(more):
                plain.put(each, priority, queued_ns, back=True)
        elif act == "drop":
            even = [each for _, each in plain.lanes[priority] if each % 2 == 0]
            expected = even[-1] if even else None
            assert real.drop_last(priority, lambda each: each % 2 == 0) == expected
            plain.lanes[priority] = [each for each in plain.lanes[priority] if each[1] != expected]
        else:
            assert real.take(now_ns) == plain.take(now_ns)
        real.check()
        assert real.depths() == {each: len(lane) for each, lane in plain.lanes.items()}
        assert list(real) == [each for lane in plain.lanes.values() for _, each in lane]
