"""Limited memory."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.unit_types import SizeBytes

PAGE_BYTES = 4096


class Memory(ContainerFault):
    """A limit on memory; the kernel kills a process that needs more."""

    name: ClassVar = "memory"
    rank: ClassVar = 250
    needs: ClassVar = (Ability.memory,)
    plain_effect: ClassVar = "little memory"
    changes: ClassVar = frozenset({ContainerEffect.squeezed, ContainerEffect.ended})
    summary: ClassVar = "at most this much memory; the kernel kills a process that needs more"
    visible_effect: ClassVar = (
        "No effect below the limit. Above it the kernel kills the process (SIGKILL), as in `kill`."
    )
    expected_client_behaviour: ClassVar = (
        "Its queues are bounded in bytes, so that it refuses messages of a flood instead of growing."
    )
    example: ClassVar = "limit: 64MiB"

    limit_bytes: Annotated[
        SizeBytes, Field(ge=6 << 20, description="the ceiling; the engine takes no less than 6MiB")
    ]

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.memory})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.limit(container, memory_bytes=self.limit_bytes)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.unlimit(container, memory=True)

    def holds(self, state: ContainerStatus) -> bool:
        return state.memory_bytes is not None and abs(state.memory_bytes - self.limit_bytes) < PAGE_BYTES

    def observed(self, seen: ContainerEvidence) -> Observation:
        measured, made = seen.memory_bytes, seen.made_memory_bytes
        real = measured is not None and abs(measured - self.limit_bytes) < PAGE_BYTES
        because = (
            "its cgroup had no such ceiling" if not real else f"its cgroup had a ceiling of {measured} bytes"
        )
        if made is not None and self.limit_bytes > made - PAGE_BYTES:
            real, because = False, f"its ceiling was {made} bytes before, so that this one took nothing away"
        return Observation(
            real,
            because,
            asked=float(self.limit_bytes),
            measured=None if measured is None else float(measured),
            quantity="memory_bytes",
        )
