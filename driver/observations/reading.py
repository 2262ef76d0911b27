"""What one reading returns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from driver.histories.system_events import Cell


class ReadingError(Exception):
    """A reading failed, and its value is unknown. The text is the reason, in words of the server's own."""


@dataclass(frozen=True)
class ReadingTable:
    """A reading of several values: rows under columns."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


Value = float | ReadingTable
Reader = Callable[[], Value]
"""Reads once. Blocks; raises ReadingError, or LabError where the lab cannot reach the system."""
