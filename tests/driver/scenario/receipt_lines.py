"""Links drawn with noise, and the receipt of a fault on one of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from driver.judging.receipts import InjectedFault, Proof, prove
from tests.driver.scenario.line import Line, Shape, during
from tests.driver.scenario.prober_story import Story
from tests.driver.scenario.test_receipts import act as begun

HIT, SPARED = "worker-1", "worker-2"
LINKS = [HIT, SPARED]
BEGIN_S, END_S = 20.0, 40.0
FROM_S, UNTIL_S = 10.0, 48.0
seeds = st.integers(0, 2**32)
ways = st.sampled_from(["to_worker", "to_coordinator", "both"])


def act(name: str, **params: Any) -> InjectedFault:
    fault_id, begin_s, end_s = (
        params.pop("id", "f1"),
        params.pop("begin_s", BEGIN_S),
        params.pop("end_s", END_S),
    )
    return begun(name, [HIT], fault_id, begin_s, end_s, **params)


def receipt(
    fault: InjectedFault, hit: Line, spared: Line | None = None, acts: list[InjectedFault] | None = None
) -> Proof:
    story = Story()
    hit.emit(story, FROM_S, UNTIL_S)
    (spared or Line(SPARED, hit.seed)).emit(story, FROM_S, UNTIL_S)
    acts = acts or [fault]
    return prove(acts, story.history(), LINKS)[acts.index(fault)]


def holding(
    begin_s: float, end_s: float, value: float, usual: float = 0.0, gap: tuple[float, float] = (0, 0)
) -> Shape:
    """The effect through its window, but for a gap."""
    return lambda at_s: value if begin_s <= at_s < end_s and not gap[0] <= at_s < gap[1] else usual


def late_line() -> Line:
    late = during(BEGIN_S, END_S, 100)
    return Line(HIT, up_ms=late, down_ms=late)
