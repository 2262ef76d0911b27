"""Claims about reductions: what is left is smaller, shows the same, and has nothing that can be left out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from driver.search.ddmin import ddmin
from driver.search.draw_schedule import conflict_in, draw
from driver.search.fault_space import FaultSpace, drawable_faults
from driver.search.reductions import size_of, smaller
from driver.search.schedule import Schedule, ScheduledFault, in_order
from driver.search.shrink import Outcome, is_kept, reduction

LINKS = ("a[1]->db:5432", "b[1]->db:5432", "b[1]->q:6379")
CONTAINERS = ("a[1]", "b[1]", "db[1]", "q[1]")
SPACE = FaultSpace(LINKS, CONTAINERS, 1.0, 8.0, 10.0, faults=drawable_faults(LINKS, CONTAINERS))


def reduced(schedule: Schedule, shows: Callable[[Schedule], bool]) -> tuple[Schedule, int]:
    """Return what a reduction leaves of a schedule, and the number of candidates."""
    search, tries = reduction(schedule, SPACE.from_s), 0
    try:
        candidate = next(search)
        while True:
            tries += 1
            candidate = search.send(shows(candidate))
    except StopIteration as end:
        found: Schedule = end.value
        return found, tries


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=20), st.sets(st.integers(0, 9), min_size=1, max_size=3)
)
def test_delta_debugging_leaves_what_is_needed_alone(items: list[int], needed: set[int]) -> None:
    needed &= set(items)
    if not needed:
        return

    def fails(part: Sequence[int]) -> bool:
        return needed <= set(part)

    found = ddmin(items, fails)
    assert sorted(set(found)) == sorted(needed)
    assert len(found) == len(needed)


def test_delta_debugging_tries_no_part_twice() -> None:
    tried: list[tuple[int, ...]] = []

    def fails(part: Sequence[int]) -> bool:
        tried.append(tuple(part))
        return {3, 11} <= set(part)

    assert ddmin(range(16), fails) == [3, 11]
    assert len(tried) == len(set(tried)) < 60


@given(st.integers(0, 2**32))
def test_a_smaller_schedule_is_smaller_and_without_conflict(seed: int) -> None:
    schedule = draw(random.Random(seed), SPACE)
    for candidate in smaller(schedule, SPACE.from_s):
        assert size_of(candidate) < size_of(schedule)
        assert not conflict_in(candidate)
        assert all(one.at_s >= SPACE.from_s for one in candidate.faults)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_a_reduction_to_one_fault_leaves_it_alone_and_simple(seed: int) -> None:
    schedule = draw(random.Random(seed), SPACE)
    wanted = random.Random(seed).choice(schedule.faults).fault

    def shows(candidate: Schedule) -> bool:
        return any(one.fault == wanted for one in candidate.faults)

    found, tries = reduced(schedule, shows)
    assert [one.fault for one in found.faults] == [wanted]
    assert len(found.faults[0].targets) == 1
    assert found.faults[0].at_s == SPACE.from_s
    assert tries < 200


def test_a_pair_of_faults_that_need_their_order_and_length_is_found() -> None:
    faults = in_order(
        (
            ScheduledFault("latency", LINKS[:2], 1.3, 2.7, {"mean": "230ms"}),
            ScheduledFault("kill", ("b[1]", "db[1]"), 3.4, 1.7),
            ScheduledFault("stall", LINKS, 2.1, 3.3, {"direction": "to_worker"}),
            ScheduledFault("reset", LINKS[1:], 6.2),
        )
    )

    def shows(candidate: Schedule) -> bool:
        kills = [one for one in candidate.faults if one.fault == "kill" and "db[1]" in one.targets]
        resets = [
            one for one in candidate.faults if one.fault in ("reset", "cut") and LINKS[2] in one.targets
        ]
        return any(kill.end_s < reset.at_s and (kill.for_s or 0) >= 0.5 for kill in kills for reset in resets)

    found, _ = reduced(Schedule(faults, 10.0), shows)
    kill, cut = found.faults
    assert (kill.fault, kill.targets, kill.at_s) == ("kill", ("db[1]",), 1.0)
    assert 0.5 <= (kill.for_s or 0) < 1.0
    assert (cut.fault, cut.targets) == ("cut", (LINKS[2],))
    assert found.load_share < 1.0
    assert found.duration_s < 10.0


def test_a_reduction_that_is_ended_early_has_asked_for_smaller_ones_alone() -> None:
    schedule = draw(random.Random(5), SPACE)
    search = reduction(schedule, SPACE.from_s)
    candidate = next(search)
    assert size_of(candidate) < size_of(schedule)
    search.close()


def test_a_candidate_is_kept_by_its_share_of_what_the_whole_one_shows() -> None:
    assert is_kept(Outcome(1, 3), Outcome(2, 3))
    assert not is_kept(Outcome(1, 5), Outcome(5, 5))
    assert not is_kept(Outcome(0, 0), Outcome(1, 1))
    assert not is_kept(Outcome(0, 3), Outcome(0, 3))
    assert str(Outcome(1, 2) + Outcome(0, 3)) == "1 of 5"
