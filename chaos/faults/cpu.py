"""Less processor time."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Change, ContainerSeen, ContainerState, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands

# The engine keeps a quota in whole microseconds of each tenth of a second.
QUOTA_STEP = 1e-5


class Cpu(ContainerFault):
    """A quota on processor time."""

    name: ClassVar = "cpu"
    changes: ClassVar = frozenset({Change.slowed})
    summary: ClassVar = "at most a share of one processor core"
    ends_see: ClassVar = (
        "Everything that the process does takes longer, in bursts: it runs until its quota is used up, and "
        "waits for the next 100 ms."
    )
    good_client: ClassVar = (
        "Heartbeats are off the work path, so a starved process is slow and not dead; nobody takes it for "
        "lost."
    )
    example: ClassVar = "cores: 0.1"

    cores: Annotated[
        float,
        Field(ge=0.01, le=64, description="processor cores it may use, fewer than without it; like 0.1"),
    ]

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.cpu})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.limit(container, cpus=self.cores)

    async def restore(self, hands: Hands, container: str) -> int:
        return await hands.unlimit(container, cpus=True)

    def holds(self, state: ContainerState) -> bool:
        return state.cpus is not None and abs(state.cpus - self.cores) < QUOTA_STEP

    def observed(self, seen: ContainerSeen) -> Observation:
        measured, made = seen.cpus, seen.made_cpus
        real = measured is not None and abs(measured - self.cores) < QUOTA_STEP
        because = (
            "its cgroup had no such quota" if not real else f"its cgroup had a quota of {measured:g} cores"
        )
        if made is not None and self.cores > made - QUOTA_STEP:
            real, because = False, f"its quota was {made:g} cores before, so that this one took nothing away"
        return Observation(real, because, asked=self.cores, measured=measured, quantity="cpu_cores")
