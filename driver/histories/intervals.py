"""Half-open intervals of time, sorted and apart: [(from_ns, to_ns), …]."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

Interval = tuple[int, int]
_begin = itemgetter(0)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time, sorted, and what touches made one."""
    joined: list[Interval] = []
    for begin, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def intersection(ones: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """The time that lies in both. Both are sorted and apart."""
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
    """The time of `ones` that does not lie in `others`. Both are sorted and apart."""
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
    """All their time together."""
    return sum(end - begin for begin, end in intervals)


def holds(intervals: Sequence[Interval], at_ns: int) -> bool:
    """Whether an instant lies in one of them. They are sorted and apart."""
    place = bisect_right(intervals, at_ns, key=_begin)
    return place > 0 and at_ns < intervals[place - 1][1]
