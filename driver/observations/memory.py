"""Memory of a service's containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from driver.observations.address import Target, TargetText, parse_target
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader


class MemoryObservation(SystemObservation):
    """Memory without the page cache."""

    name: ClassVar = "memory"
    summary: ClassVar = "memory of a service without the page cache"
    result: ClassVar = "a number of bytes; the sum of several replicas"
    example: ClassVar = "memory: worker"
    rank: ClassVar = 730

    memory: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]

    @property
    def tried(self) -> str:
        return f"the engine's figures of {self.memory}"

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: parse_target(self.memory)}

    def reader(self, context: ReadingContext) -> Reader:
        target, access = parse_target(self.memory), context.access

        def read() -> float:
            numbers = target.numbers(access)
            return float(sum(access.usage(target.service, number).memory_bytes for number in numbers))

        return read
