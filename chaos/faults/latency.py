"""Bytes late, in order."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import LinkSeen, Observation
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import mean_shift_ms, median_shift_ms
from chaos.units import Milliseconds


class Distribution(StrEnum):
    """Shapes of the delay."""

    uniform = "uniform"
    normal = "normal"
    lognormal = "lognormal"
    pareto = "pareto"


class Latency(DirectedFault):
    """Each chunk leaves later than it came, never before the one ahead of it."""

    name: ClassVar = "latency"
    summary: ClassVar = "bytes come late, in order"
    ends_see: ClassVar = (
        "Every chunk arrives at its time plus a draw, never before its predecessor. Nothing is lost and no "
        "connection ends; with `direction: both` a round trip takes twice the mean longer."
    )
    good_client: ClassVar = (
        "Stays connected while the round trip is below its heartbeat timeout; no reconnection, no task "
        "redone."
    )
    look: ClassVar = Look(probes_per_s=4)
    example: ClassVar = "mean: 200ms, jitter: 50ms, direction: to_worker"

    mean_ms: Annotated[
        Milliseconds,
        Field(ge=1, le=600_000, description="how late, on average, in each direction that is hurt"),
    ]
    jitter_ms: Annotated[
        Milliseconds, Field(ge=0, le=600_000, description="uniform: mean ± this; else the standard deviation")
    ] = 0.0
    distribution: Annotated[Distribution, Field(description="the shape of the delay")] = Distribution.uniform

    def effect(self) -> LinkEffect:
        attributes = {
            "mean_ms": self.mean_ms,
            "jitter_ms": self.jitter_ms,
            "distribution": self.distribution.value,
        }
        return LinkEffect((Toxic("delay", self.direction, attributes),))

    def observed(self, seen: LinkSeen) -> Observation:
        asked = self.mean_ms * len(self.direction.halves)
        skewed = self.distribution in (Distribution.lognormal, Distribution.pareto)
        shift = mean_shift_ms(seen) if skewed else median_shift_ms(seen)
        if shift is None:
            return Observation(
                False, "too few round trips before or during it", asked=asked, quantity="round_trip_longer_ms"
            )
        # A held chunk holds those behind it, so jitter can only add; a loaded machine adds some milliseconds
        # of its own.
        most = asked * 1.3 + self.jitter_ms * len(self.direction.halves) + 25.0
        real = asked * 0.7 <= shift <= most
        return Observation(
            real,
            f"round trips took {shift:.1f} ms longer",
            asked=asked,
            measured=shift,
            quantity="round_trip_longer_ms",
        )
