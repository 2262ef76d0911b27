"""What a run raises when something that must hold does not."""

from __future__ import annotations


class BrokenError(AssertionError):
    """An invariant does not hold."""
