"""A schedule: the faults of one timeline as values, with the size of the system and of its load. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chaos.directions import in_words_of
from chaos.units import format_seconds

TIME_STEP_S = 0.1
"""Times are drawn, moved and shortened in multiples of this."""


class ScheduledFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a schedule, with concrete targets.

    `params` are as in a scenario. `for_s` is None for an instantaneous fault. `when` is the anchor that its
    begin waits for from `at_s` on, as in a scenario; empty without one.
    """

    fault: str
    targets: tuple[str, ...]
    at_s: float
    for_s: float | None = None
    params: dict[str, Any] = {}
    when: dict[str, Any] = {}

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.at_s + (self.for_s or 0.0)

    def entry(self) -> dict[str, Any]:
        """Return it as an entry of a scenario's timeline."""
        params = in_words_of(self.targets[0], self.params)
        found: dict[str, Any] = {"fault": self.fault, "targets": list(self.targets), **params}
        found["at"] = format_seconds(self.at_s)
        if self.for_s is not None:
            found["for"] = format_seconds(self.for_s)
        if self.when:
            found["when"] = in_words_of(self.when["link"][0], self.when)
        return found


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Faults in order of time, and what they meet.

    `duration_s` is how long the load lasts, `load_share` the share of the scenario's rates. `clients` are
    those of the reference system; 0 for a system of its own.
    """

    faults: tuple[ScheduledFault, ...]
    duration_s: float
    clients: int = 0
    load_share: float = 1.0

    @property
    def key(self) -> bytes:
        """Bytes that are equal for equal schedules."""
        return msgspec.json.encode(self, order="deterministic")

    def timeline(self) -> list[dict[str, Any]]:
        """Return the timeline of a scenario with these faults."""
        return [one.entry() for one in self.faults]

    def describe(self) -> str:
        """Return the faults in one line: `kill worker[1] at 2s for 1s; …`."""
        return "; ".join(map(describe_fault, self.faults)) or "no fault"


def describe_fault(one: ScheduledFault) -> str:
    """Return a fault in one line: `latency mean=200ms worker[1]->db:5432 at 2s for 1s`."""
    params = "".join(f" {name}={value}" for name, value in in_words_of(one.targets[0], one.params).items())
    anchor = in_words_of(one.when["link"][0], one.when) if one.when else {}
    when = " when " + ", ".join(f"{name}: {value}" for name, value in anchor.items()) if anchor else ""
    lasts = "" if one.for_s is None else f" for {format_seconds(one.for_s)}"
    return f"{one.fault}{params} {', '.join(one.targets)} at {format_seconds(one.at_s)}{lasts}{when}"


def in_order(faults: tuple[ScheduledFault, ...]) -> tuple[ScheduledFault, ...]:
    """Return faults in order of time; those of one instant in an order of their own values."""
    return tuple(sorted(faults, key=lambda one: (one.at_s, one.fault, one.targets, one.for_s or 0.0)))


def rounded(seconds: float) -> float:
    """Return a time as a multiple of TIME_STEP_S, without the digits of binary fractions."""
    return round(round(seconds / TIME_STEP_S) * TIME_STEP_S, 6)


def scaled_rates(workload: Mapping[str, Any] | None, share: float) -> dict[str, Any] | None:
    """Return a scenario's `workload` with each `rate: N/s` times `share`; other loads stay as they are."""
    if workload is None or share == 1.0:
        return None if workload is None else dict(workload)
    return {name: _scaled(name, value, share) for name, value in workload.items()}


def _scaled(name: str, value: Any, share: float) -> Any:
    if isinstance(value, Mapping):
        return {key: _scaled(key, one, share) for key, one in value.items()}
    if name == "rate" and isinstance(value, str) and value.endswith("/s"):
        try:
            return f"{float(value.removesuffix('/s')) * share:.6g}/s"
        except ValueError:
            return value
    return value
