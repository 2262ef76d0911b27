"""Half-open intervals of time, sorted and disjoint: [(from_ns, to_ns), …]."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

Interval = tuple[int, int]
FOREVER_NS = 1 << 63
"""An end that is later than any instant."""
_begin = itemgetter(0)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return intervals sorted, with those that touch joined; empty ones are dropped."""
    joined: list[Interval] = []
    for begin, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def intersection(ones: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """Return the time that is in both. Both are sorted and disjoint."""
    common: list[Interval] = []
    i = j = 0
    while i < len(ones) and j < len(others):
        begin, end = max(ones[i][0], others[j][0]), min(ones[i][1], others[j][1])
        if begin < end:
            common.append((begin, end))
        if ones[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return common


def difference(ones: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """Return the time of `ones` that is not in `others`. Both are sorted and disjoint."""
    left: list[Interval] = []
    for begin, end in ones:
        at = begin
        for other_begin, other_end in others:
            if other_end <= at or other_begin >= end:
                continue
            if other_begin > at:
                left.append((at, other_begin))
            at = max(at, other_end)
        if at < end:
            left.append((at, end))
    return left


def length_ns(intervals: Iterable[Interval]) -> int:
    """Return the sum of their lengths."""
    return sum(end - begin for begin, end in intervals)


def holds(intervals: Sequence[Interval], at_ns: int) -> bool:
    """Whether an instant is in one of them. They are sorted and disjoint."""
    after = bisect_right(intervals, at_ns, key=_begin)
    return after > 0 and at_ns < intervals[after - 1][1]
