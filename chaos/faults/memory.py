"""Less memory."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Change, ContainerSeen, ContainerState, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands
from chaos.units import SizeBytes

PAGE_BYTES = 4096


class Memory(ContainerFault):
    """A ceiling on memory; a process that needs more is killed by the kernel."""

    name: ClassVar = "memory"
    changes: ClassVar = frozenset({Change.squeezed, Change.ended})
    summary: ClassVar = "at most so much memory; who needs more is killed by the kernel"
    ends_see: ClassVar = (
        "Nothing while it fits. Above it the kernel kills the process (SIGKILL), as in `kill`."
    )
    good_client: ClassVar = "Its queues are bounded in bytes, so that a flood makes it refuse and not grow."
    example: ClassVar = "limit: 64MiB"

    limit_bytes: Annotated[
        SizeBytes, Field(ge=6 << 20, description="the ceiling; the engine takes no less than 6MiB")
    ]

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.memory})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.limit(container, memory_bytes=self.limit_bytes)

    async def restore(self, hands: Hands, container: str) -> int:
        return await hands.unlimit(container, memory=True)

    def holds(self, state: ContainerState) -> bool:
        return state.memory_bytes is not None and abs(state.memory_bytes - self.limit_bytes) < PAGE_BYTES

    def observed(self, seen: ContainerSeen) -> Observation:
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
