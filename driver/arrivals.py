"""When the operations of a load are due: evenly spaced, at random, in bursts, or at a changing rate. Pure.

Open-loop: an operation is due whatever became of the ones before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from chaos.model import Strict
from chaos.unit_types import PerSecond


class Arrivals(StrEnum):
    """Arrival process: evenly spaced, Poisson, in bursts, or at a linearly changing rate."""

    constant = "constant"
    poisson = "poisson"
    burst = "burst"
    ramp = "ramp"


class ArrivalSchedule(Strict):
    """Rate and arrival process of a load."""

    rate_per_s: Annotated[PerSecond, Field(gt=0, le=20_000, description="operations a second")]
    arrivals: Annotated[Arrivals, Field(description="constant, poisson, burst or ramp")] = Arrivals.poisson
    ramp_to_per_s: Annotated[
        PerSecond | None, Field(alias="to", description="ramp: the rate at the end of the run")
    ] = None
    burst: Annotated[int, Field(ge=1, le=10_000, description="burst: operations that arrive together")] = 1

    @model_validator(mode="after")
    def _ramp_has_an_end(self) -> ArrivalSchedule:
        if (self.arrivals is Arrivals.ramp) != (self.ramp_to_per_s is not None):
            raise ValueError("expected `to`, the rate at the end, with `arrivals: ramp` and only there")
        return self

    def due_times(self, draw: random.Random, duration_s: float) -> Iterator[float]:
        """Yield when each operation is due, in seconds after the start and in order."""
        return _DUE_TIMES[self.arrivals](self, draw, duration_s)

    def expected(self, duration_s: float) -> float:
        """Return the mean number of operations of a run of this length."""
        last = self.ramp_to_per_s if self.ramp_to_per_s is not None else self.rate_per_s
        return (self.rate_per_s + last) / 2 * duration_s


def _constant(schedule: ArrivalSchedule, draw: random.Random, duration_s: float) -> Iterator[float]:
    for number in range(math.ceil(schedule.rate_per_s * duration_s)):
        yield number / schedule.rate_per_s


def _poisson(schedule: ArrivalSchedule, draw: random.Random, duration_s: float) -> Iterator[float]:
    at_s = draw.expovariate(schedule.rate_per_s)
    while at_s < duration_s:
        yield at_s
        at_s += draw.expovariate(schedule.rate_per_s)


def _burst(schedule: ArrivalSchedule, draw: random.Random, duration_s: float) -> Iterator[float]:
    gap_s = schedule.burst / schedule.rate_per_s
    for number in range(math.ceil(duration_s / gap_s)):
        for _ in range(schedule.burst):
            yield number * gap_s


def _ramp(schedule: ArrivalSchedule, draw: random.Random, duration_s: float) -> Iterator[float]:
    """Operation n is due when the rate's integral reaches n: r0·t + slope·t²/2 = n."""
    first, last = schedule.rate_per_s, schedule.ramp_to_per_s or schedule.rate_per_s
    slope = (last - first) / duration_s
    for number in range(math.floor((first + last) / 2 * duration_s)):
        yield number / first if not slope else (math.sqrt(first * first + 2 * slope * number) - first) / slope


_DUE_TIMES: dict[Arrivals, Callable[[ArrivalSchedule, random.Random, float], Iterator[float]]] = {
    Arrivals.constant: _constant,
    Arrivals.poisson: _poisson,
    Arrivals.burst: _burst,
    Arrivals.ramp: _ramp,
}
