"""Delayed bytes."""

from __future__ import annotations

import math
import statistics
from enum import StrEnum
from statistics import NormalDist
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample, ignore_short_misses
from chaos.delays import MIN_SAMPLES, Delay, delays, noise_ms
from chaos.directions import Direction
from chaos.evidence import LinkEvidence, Observation, Symptom
from chaos.evidence_checks import mean_shift_ms, median_shift_ms
from chaos.fault import DirectedFault
from chaos.intervals import CONFIDENCE
from chaos.prober.probe_rate import ProbeRate
from chaos.unit_types import Milliseconds

HALVES = (Direction.to_client, Direction.to_server)
LEAST_SHARE = 0.35
"""A delay below this share of the mean is not this fault's, however few samples there are."""
_FEW = 0.05
_RUN = 8


class Distribution(StrEnum):
    """Shapes of the delay."""

    uniform = "uniform"
    normal = "normal"
    lognormal = "lognormal"
    pareto = "pareto"


class Latency(DirectedFault):
    """Each chunk is delayed, and never overtakes the one ahead of it."""

    name: ClassVar = "latency"
    rank: ClassVar = 10
    plain_effect: ClassVar = "slow: everything arrives later"
    summary: ClassVar = "bytes come late, in order"
    visible_effect: ClassVar = (
        "Every chunk arrives at its time plus a draw, never before its predecessor. Nothing is lost and no "
        "connection ends; with `direction: both` a round trip takes twice the mean longer."
    )
    expected_client_behaviour: ClassVar = (
        "Stays connected while the round trip is below its heartbeat timeout; no reconnection, no task "
        "redone."
    )
    probe_rate: ClassVar = ProbeRate(probes_per_s=4)
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

    def symptoms(self) -> frozenset[Symptom]:
        return self.per_direction(Symptom.late_up, Symptom.late_down)

    def observed(self, seen: LinkEvidence) -> Observation:
        asked = self.mean_ms * len(self.direction.halves)
        skewed = self.distribution in (Distribution.lognormal, Distribution.pareto)
        ways = {half: _middle(delays(seen, half), skewed=skewed) for half in HALVES}
        hurt = {half: ways[half] for half in HALVES if half in self.direction.halves}
        shift = mean_shift_ms(seen) if skewed else median_shift_ms(seen)
        if all(late is not None for late in hurt.values()):
            shift = sum(late for late in hurt.values() if late is not None)
        if shift is None:
            return Observation(
                False, "too few round trips before or during it", asked=asked, quantity="round_trip_longer_ms"
            )
        told = ", ".join(
            f"{seen.ends.name(half)} {late:+.1f} ms" for half, late in ways.items() if late is not None
        )
        because = f"round trips took {shift:.1f} ms longer{f' ({told})' if told else ''}"
        wrong = [
            half
            for half, late in ways.items()
            if late is not None and not self._fits(late, 1 if half in hurt else 0, seen, half)
        ]
        if wrong:
            because = f"{because}; asked was {self.mean_ms:g} ms {seen.ends.name(self.direction)}"
        fits = self._fits(shift, len(hurt), seen, None)
        return Observation(
            fits and not wrong, because, asked=asked, measured=shift, quantity="round_trip_longer_ms"
        )

    def _fits(self, late_ms: float, halves: int, seen: LinkEvidence, half: Direction | None) -> bool:
        """Return whether a shift is that of this many directions. A held chunk holds those behind it, so
        jitter can only add; a loaded machine adds milliseconds too.
        """
        asked = self.mean_ms * halves
        # A fault that limits throughput can only add to it.
        slowed = seen.beside(Symptom.slow_up, Symptom.slow_down, Symptom.silent)
        noise = noise_ms(seen, half)
        if not halves:
            return late_ms <= max(noise, self.mean_ms / 2) or bool(slowed)
        least = max(asked * 0.7 - self._sampling_ms(len(delays(seen, half)), halves), asked * LEAST_SHARE)
        most = asked * 1.3 + self.jitter_ms * halves + noise
        return least <= late_ms and (late_ms <= most or bool(slowed))

    def _sampling_ms(self, samples: int, halves: int) -> float:
        """Return half the width of the interval of the measured delay, at CONFIDENCE, that jitter alone
        causes.

        The standard error is that of the median for uniform and normal delays, and of the mean for skewed
        ones.
        """
        factor = math.sqrt(math.pi / 2) if self.distribution is Distribution.normal else 1.0
        error_ms = factor * self.jitter_ms * math.sqrt(halves / max(1, samples))
        return NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error_ms

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        ways = [half for half in HALVES if half in self.direction.halves]
        late: dict[tuple[int, int], bool] = {}
        for half in ways:
            for one in delays(seen, half):
                key = one.from_ns, one.at_ns
                late[key] = late.get(key, True) and one.ms >= self._least_ms()
        if not late:
            least = self._least_ms() * len(ways)
            late = {(one.from_ns, one.at_ns): one.ms >= least for one in delays(seen, None)}
        signs = [EffectSample(from_ns, at_ns, there) for (from_ns, at_ns), there in late.items()]
        return ignore_short_misses(signs, _RUN if self.jitter_ms else _RUN // 2)

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        # A round trip is observed at its end.
        return super().max_gap_ns(seen) + round(2 * (self.mean_ms + self.jitter_ms) * 1e6)

    def _least_ms(self) -> float:
        """Return a delay that nineteen of twenty draws exceed; without jitter all do."""
        if not self.jitter_ms:
            return 0.5 * self.mean_ms
        ratio = self.jitter_ms / self.mean_ms
        if self.distribution is Distribution.uniform:
            least = self.mean_ms + self.jitter_ms * (2 * _FEW - 1)
        elif self.distribution is Distribution.normal:
            least = self.mean_ms + self.jitter_ms * NormalDist().inv_cdf(_FEW)
        elif self.distribution is Distribution.lognormal:
            variance = math.log1p(ratio * ratio)
            least = self.mean_ms * math.exp(math.sqrt(variance) * NormalDist().inv_cdf(_FEW) - variance / 2)
        else:
            shape = 1 + math.sqrt(1 + 1 / max(1e-9, ratio * ratio))
            least = self.mean_ms * (shape - 1) / shape
        return max(0.0, least)


def _middle(samples: list[Delay], *, skewed: bool) -> float | None:
    if len(samples) < MIN_SAMPLES:
        return None
    values = [one.ms for one in samples]
    return statistics.fmean(values) if skewed else statistics.median(values)
