"""Baseline windows: a time before a fault in which no other fault was on the link. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def baseline_before(busy: Iterable[Span], at_ns: int, *, enough_ns: int, most_ns: int) -> Span:
    """Return the nearest span before `at_ns` that is clear of `busy` spans and at least `enough_ns` long, cut
    to its last `most_ns`; without one, the clear span directly before `at_ns`, which may be empty.
    """
    assert 0 < enough_ns <= most_ns, (enough_ns, most_ns)
    end_ns, nearest = at_ns, None
    for from_ns, until_ns in sorted(busy, key=lambda span: span[1], reverse=True):
        if from_ns >= at_ns:
            continue
        clear = (min(max(until_ns, end_ns - most_ns), end_ns), end_ns)
        nearest = nearest or clear
        if clear[1] - clear[0] >= enough_ns:
            return clear
        end_ns = min(end_ns, from_ns)
    clear = (end_ns - most_ns, end_ns)
    return clear if nearest is None or end_ns > 0 else nearest
