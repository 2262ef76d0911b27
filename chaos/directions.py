"""Which way bytes go. Faults say it from where the two ends stand; only this file knows Toxiproxy's words for
it.
"""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """The half of a link that a fault hurts."""

    to_worker = "to_worker"
    to_coordinator = "to_coordinator"
    both = "both"

    @property
    def halves(self) -> frozenset[Direction]:
        """The one or two plain directions in it."""
        if self is Direction.both:
            return frozenset((Direction.to_worker, Direction.to_coordinator))
        return frozenset((self,))


# To Toxiproxy the worker is the client: what it sends flows upstream.
_STREAMS = {Direction.to_worker: "downstream", Direction.to_coordinator: "upstream", Direction.both: "both"}


def stream(direction: Direction) -> str:
    """Toxiproxy's name for a direction, as its `/lab/faults` route takes it."""
    return _STREAMS[direction]


def direction_of(stream_name: str) -> Direction:
    """The direction behind Toxiproxy's `upstream` or `downstream`."""
    return next(direction for direction, name in _STREAMS.items() if name == stream_name)
