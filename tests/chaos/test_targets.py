"""Selections: exactly those that are named, drawn by the seed, and never empty by mistake."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.targets import Fleet, TargetError


def workers(*numbers: int) -> tuple[str, ...]:
    return tuple(f"worker-{number}" for number in numbers)


FLEET = Fleet(10, seed=7, groups={"east": "1-5", "edge": ["east", 10], "split": [["1-5"], ["6-10"]]})


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("all", workers(*range(1, 11))),
        ("first 2", workers(1, 2)),
        ("3,7-9", workers(3, 7, 8, 9)),
        ("worker-4", workers(4)),
        ("worker-4 - worker-6", workers(4, 5, 6)),
        (4, workers(4)),
        ([4, "worker-2", "7-8"], workers(2, 4, 7, 8)),
        ("east", workers(1, 2, 3, 4, 5)),
        ("edge", workers(1, 2, 3, 4, 5, 10)),
        ("3,3,3", workers(3)),
        ("coordinator", ("coordinator",)),
        (["toxiproxy", "1"], ("worker-1", "toxiproxy")),
    ],
)
def test_a_selection_names_exactly_these(selection: Any, expected: tuple[str, ...]) -> None:
    assert FLEET.select(selection, "draw") == expected


@pytest.mark.parametrize(
    ("selection", "cut_off"),
    [
        ([["1-5"], ["6-10"]], workers(6, 7, 8, 9, 10)),
        ([["1-5"], ["coordinator", "6-10"]], workers(1, 2, 3, 4, 5)),
        # A worker on both sides reaches both.
        ([["coordinator", "1-6"], ["5-10"]], workers(7, 8, 9, 10)),
        # A worker on no side is not touched.
        ([["1-2"], ["3"]], workers(3)),
        ("split", workers(6, 7, 8, 9, 10)),
    ],
)
def test_a_partition_cuts_off_workers_outside_the_coordinators_side(
    selection: Any, cut_off: tuple[str, ...]
) -> None:
    assert FLEET.select(selection, "draw") == cut_off


def test_thirty_percent_of_twenty_are_six() -> None:
    assert len(Fleet(20, seed=1).select("30%", "draw")) == 6


@given(st.integers(1, 200), st.integers(0, 2**32), st.integers(1, 100))
def test_a_share_is_drawn_by_the_seed_and_has_the_nearest_size(count: int, seed: int, percent: int) -> None:
    chosen = Fleet(count, seed).select(f"{percent}%", "draw", allow_empty=True)
    assert chosen == Fleet(count, seed).select(f"{percent}%", "draw", allow_empty=True)
    assert abs(len(chosen) - count * percent / 100) <= 0.5 + 1e-9
    assert len(set(chosen)) == len(chosen)


def test_another_draw_hits_others() -> None:
    fleet = Fleet(50, seed=3)
    assert len({fleet.select("random 5", f"draw-{number}") for number in range(10)}) > 1


def test_one_draw_does_not_change_another() -> None:
    fleet = Fleet(50, seed=3)
    alone = fleet.select("random 5", "b")
    fleet.select("random 9", "a")
    assert fleet.select("random 5", "b") == alone


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("eas", "Did you mean east"),
        (11, "there are 10 workers"),
        ("200%", "at most 100 %"),
        ("random 11", "asks for 11 workers"),
        ("5-3", "a range like 3-7"),
        ("worker-0", "a range like 3-7"),
        ([["1-3"]], "at least two sides"),
        (None, "expected a selection"),
        ({"a": 1}, "expected a selection"),
        ("0%", "expected at least one target"),
        ([], "expected at least one target"),
        ([["1-5"], ["2-4"]], "expected at least one target"),
    ],
)
def test_a_selection_that_is_empty_or_names_an_unknown_worker_is_refused(
    selection: Any, message: str
) -> None:
    with pytest.raises(TargetError, match=message):
        FLEET.select(selection, "draw")


def test_an_empty_selection_is_allowed_where_asked_for() -> None:
    assert FLEET.select("0%", "draw", allow_empty=True) == ()


def test_lists_within_lists_are_refused_beyond_eight_levels() -> None:
    def nested(levels: int) -> Any:
        return 1 if levels == 0 else [2, nested(levels - 1)]

    assert FLEET.select(nested(8), "draw") == workers(1, 2)
    with pytest.raises(TargetError, match="in a circle"):
        FLEET.select(nested(9), "draw")


def test_groups_that_name_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(TargetError, match="in a circle"):
        Fleet(3, 1, {"a": "b", "b": "a"}).select("a", "draw")
