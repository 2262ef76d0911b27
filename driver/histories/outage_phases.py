"""Phases of an outage: names, colours and lengths, for every table, figure and report. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from driver.histories.connection_history import Outage


@dataclass(frozen=True)
class OutagePhase:
    """One phase. `light` and `dark` are its colours by theme; `length_s` returns None without it."""

    name: str
    says: str
    light: str
    dark: str
    length_s: Callable[[Outage], float | None]

    @property
    def key(self) -> str:
        """The name as an identifier, in styles and data."""
        return self.name.replace(" ", "-")


PHASES = (
    OutagePhase(
        "detection",
        "from the break until the client detected it",
        "#cc79a7",
        "#e39cc4",
        lambda outage: outage.detection_s,
    ),
    OutagePhase(
        "waiting",
        "the delays of the policy between attempts",
        "#0072b2",
        "#56b4e9",
        lambda outage: outage.waiting_s,
    ),
    OutagePhase(
        "failed attempts",
        "attempts that failed",
        "#d55e00",
        "#f0894a",
        lambda outage: outage.failed_attempts_s,
    ),
    OutagePhase(
        "handshake", "the attempt that succeeded", "#009e73", "#3ccb9c", lambda outage: outage.handshake_s
    ),
    OutagePhase(
        "resume",
        "from the new connection to the first work",
        "#7a6a00",
        "#e6d24a",
        lambda outage: outage.resume_s,
    ),
)
"""In the order of time. All but the last add up to the time until the client is connected."""
