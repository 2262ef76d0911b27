"""The timeline: every beginning and end once, in order, when it is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from driver.scenarios.fault_timeline import FaultTimeline, StepKind
from driver.scenarios.plan import PlannedFault


def fault(name: str, at_s: float, for_s: float | None) -> PlannedFault:
    return PlannedFault(
        id=name, entry=name, fault="stall", params={}, targets=("worker-1",), at_s=at_s, for_s=for_s, seed=0
    )


def steps(timeline: FaultTimeline, now_s: float) -> list[tuple[str, str]]:
    return [(step.fault.id, step.what.name) for step in timeline.due(now_s)]


def test_nothing_is_given_before_it_is_due() -> None:
    timeline = FaultTimeline((fault("a", 5.0, 3.0),))
    assert steps(timeline, 4.999) == []
    assert timeline.next_at_s == 5.0
    assert steps(timeline, 5.0) == [("a", "begin")]
    assert timeline.next_at_s == 8.0
    assert steps(timeline, 8.0) == [("a", "end")]
    assert timeline.next_at_s is None


def test_an_instant_fault_has_no_end() -> None:
    timeline = FaultTimeline((fault("a", 5.0, None),))
    assert steps(timeline, 9.0) == [("a", "begin")]
    assert timeline.on == ()


def test_one_fault_ends_before_the_next_begins_at_the_same_instant() -> None:
    timeline = FaultTimeline((fault("a", 1.0, 4.0), fault("b", 5.0, 1.0)))
    assert steps(timeline, 5.0) == [("a", "begin"), ("a", "end"), ("b", "begin")]


def test_the_faults_that_are_on_are_listed_when_a_run_stops_early() -> None:
    timeline = FaultTimeline((fault("a", 1.0, 9.0), fault("b", 2.0, 1.0), fault("c", 7.0, 1.0)))
    timeline.due(5.0)
    assert [one.id for one in timeline.on] == ["a"]


FAULTS = st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(1, 20))), max_size=20)


@given(FAULTS, st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_however_it_is_asked_each_step_comes_once_and_in_order(
    expected: list[tuple[int, int | None]], naps: list[float]
) -> None:
    faults = tuple(
        fault(f"f{number}", float(at), None if for_s is None else float(for_s))
        for number, (at, for_s) in enumerate(expected)
    )
    timeline, now_s, given_out = FaultTimeline(faults), 0.0, []
    for nap in [*naps, 100.0]:
        now_s += nap
        given_out += timeline.due(now_s)
    assert [(step.at_s, step.what) for step in given_out] == sorted(
        (step.at_s, step.what) for step in given_out
    )
    assert sorted(step.fault.id for step in given_out if step.what is StepKind.begin) == sorted(
        one.id for one in faults
    )
    assert sorted(step.fault.id for step in given_out if step.what is StepKind.end) == sorted(
        one.id for one in faults if one.for_s is not None
    )
    assert timeline.on == ()
