"""The time in which nothing was wrong with a link: what it is by itself is measured there. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def clear_before(busy: Iterable[Span], at_ns: int, *, enough_ns: int, most_ns: int) -> Span:
    """The nearest time before an instant, at least `enough_ns` long, in which no busy span lies; its last
    `most_ns`. Where there is none so long, what lies directly before the instant, though it be nothing.
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
