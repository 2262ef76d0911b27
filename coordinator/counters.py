"""Counters of events, in one place, so that the state and the metrics cannot disagree."""

from __future__ import annotations


class MetricCounters:
    """Totals since the process began, by name and one label ("" for none)."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], int] = {}

    def add(self, name: str, label: str = "", amount: int = 1) -> None:
        """Add `amount`."""
        key = (name, label)
        self.totals[key] = self.totals.get(key, 0) + amount

    def flat(self) -> dict[str, int]:
        """Return the totals by `name` or `name_label`."""
        return {f"{name}_{label}" if label else name: total for (name, label), total in self.totals.items()}
