"""Processor time of a service's containers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from driver.observations.address import Target, TargetText, parse_target
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError
from driver.systems.system_access import SystemAccess

FIRST_SPAN_S = 0.5
"""What the first reading measures; each later one measures the time since the one before."""


class CpuObservation(SystemObservation):
    """Processor time since the reading before."""

    name: ClassVar = "cpu"
    summary: ClassVar = "processor time of a service since the reading before"
    result: ClassVar = "a number of cores; the sum of several replicas"
    example: ClassVar = "cpu: web"
    rank: ClassVar = 740

    cpu: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]

    @property
    def tried(self) -> str:
        return f"the engine's figures of {self.cpu}"

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: parse_target(self.cpu)}

    def reader(self, context: ReadingContext) -> Reader:
        return CpuReader(parse_target(self.cpu), context.access).read


class CpuReader:
    """Keeps the figures of the reading before."""

    def __init__(
        self,
        target: Target,
        access: SystemAccess,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock_s = clock_s
        self._sleep = sleep
        self._target = target
        self._access = access
        self._before: tuple[float, dict[int, tuple[str, float]]] | None = None

    def read(self) -> float:
        """Return the cores that were used. Raises ReadingError where a container was started since."""
        if self._before is None:
            self._before = self._look()
            self._sleep(FIRST_SPAN_S)
        (before_s, before), now = self._before, self._look()
        self._before = now
        starts = [{number: start for number, (start, _) in look.items()} for look in (before, now[1])]
        if starts[0] != starts[1]:
            raise ReadingError(f"a container of {self._target} was started since the reading before")
        return sum(cpu_s - before[number][1] for number, (_, cpu_s) in now[1].items()) / (now[0] - before_s)

    def _look(self) -> tuple[float, dict[int, tuple[str, float]]]:
        """Return when it was looked, and each replica's start and processor time since."""
        numbers = self._target.numbers(self._access)
        found = {number: self._of_replica(number) for number in numbers}
        return self._clock_s(), found

    def _of_replica(self, number: int) -> tuple[str, float]:
        service = self._target.service
        start = self._start(number)
        cpu_s = self._access.usage(service, number).cpu_s
        if self._start(number) != start:
            raise ReadingError(f"a container of {self._target} was started while it was read")
        return start, cpu_s

    def _start(self, number: int) -> str:
        details = self._access.inspect(self._target.service, number)
        return f"{details['Id']} {details['State']['StartedAt']}"
