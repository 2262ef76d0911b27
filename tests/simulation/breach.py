"""The error of a run in which an invariant does not hold."""

from __future__ import annotations


class BrokenError(AssertionError):
    """An invariant does not hold."""
