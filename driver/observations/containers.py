"""The base of observations of a service's containers: one number of each, put together for all replicas."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from driver.observations.address import Target
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader


class ContainerObservation(SystemObservation):
    """A number that the engine says of a container, by its details (`GET /containers/{id}/json`)."""

    @property
    @abstractmethod
    def target(self) -> Target:
        """The containers."""

    @property
    def tried(self) -> str:
        return f"the engine's details of {self.target}"

    @abstractmethod
    def value(self, name: str, details: Mapping[str, Any]) -> float:
        """Return the number of one container. Raises ReadingError."""

    @abstractmethod
    def together(self, values: list[float]) -> float:
        """Return the number of all replicas."""

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: self.target}

    def reader(self, context: ReadingContext) -> Reader:
        target, access = self.target, context.access

        def read() -> float:
            return self.together(
                [
                    self.value(f"{target.service}[{number}]", access.inspect(target.service, number))
                    for number in target.numbers(access)
                ]
            )

        return read
