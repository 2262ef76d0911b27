"""The nearest time in which a link was well."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from driver.judging.baseline_window import baseline_before

SPANS = st.lists(
    st.tuples(st.integers(1000, 2000), st.integers(1, 100)).map(lambda one: (one[0], sum(one))), max_size=8
)


def test_without_anything_wrong_it_is_what_lies_before() -> None:
    assert baseline_before([], 1000, enough_ns=20, most_ns=100) == (900, 1000)


def test_a_time_too_short_is_left_for_one_that_is_long_enough() -> None:
    busy = [(500, 700), (750, 990)]
    assert baseline_before(busy, 1000, enough_ns=20, most_ns=100) == (700, 750)
    assert baseline_before(busy, 1000, enough_ns=10, most_ns=100) == (990, 1000)


def test_what_begins_later_is_nothing_to_it() -> None:
    assert baseline_before([(1000, 1200)], 1000, enough_ns=20, most_ns=100) == (900, 1000)


@given(SPANS, st.integers(1500, 2500))
def test_no_busy_span_lies_in_it_and_it_is_as_long_as_asked(busy: list[tuple[int, int]], at_ns: int) -> None:
    from_ns, until_ns = baseline_before(busy, at_ns, enough_ns=20, most_ns=100)
    assert 20 <= until_ns - from_ns <= 100
    assert until_ns <= at_ns
    assert all(until <= from_ns or until_ns <= begin for begin, until in busy if begin < at_ns)
