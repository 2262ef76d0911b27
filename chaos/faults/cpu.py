"""Limited processor time."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault

# The engine keeps a quota in whole microseconds of each tenth of a second.
QUOTA_STEP = 1e-5


class Cpu(ContainerFault):
    """A quota on processor time."""

    name: ClassVar = "cpu"
    rank: ClassVar = 240
    needs: ClassVar = (Ability.cpu,)
    plain_effect: ClassVar = "little processor time"
    changes: ClassVar = frozenset({ContainerEffect.slowed})
    summary: ClassVar = "at most a share of one processor core"
    visible_effect: ClassVar = (
        "Everything that the process does takes longer, in bursts: it runs until its quota is used up, and "
        "waits for the next 100 ms."
    )
    expected_client_behaviour: ClassVar = (
        "Heartbeats are off the work path, so a starved process is slow, and is not declared dead."
    )
    example: ClassVar = "cores: 0.1"

    cores: Annotated[
        float,
        Field(ge=0.01, le=64, description="processor cores it may use, fewer than without it; like 0.1"),
    ]

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.cpu})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.limit(container, cpus=self.cores)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.unlimit(container, cpus=True)

    def holds(self, state: ContainerStatus) -> bool:
        return state.cpus is not None and abs(state.cpus - self.cores) < QUOTA_STEP

    def observed(self, seen: ContainerEvidence) -> Observation:
        measured, made = seen.cpus, seen.made_cpus
        real = measured is not None and abs(measured - self.cores) < QUOTA_STEP
        because = (
            "its cgroup had no such quota" if not real else f"its cgroup had a quota of {measured:g} cores"
        )
        if made is not None and self.cores > made - QUOTA_STEP:
            real, because = False, f"its quota was {made:g} cores before, so that this one took nothing away"
        return Observation(real, because, asked=self.cores, measured=measured, quantity="cpu_cores")
