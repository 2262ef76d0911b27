"""A periodic link fault."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from chaos.actuator import LinkEffect
from chaos.coverage import EffectSample
from chaos.evidence import LinkEvidence, Observation, Symptom
from chaos.fault import Aspect, LinkFault, Segment
from chaos.prober.probe_rate import ProbeRate
from chaos.unit_types import Seconds

MAX_SEGMENTS = 10_000


class Flap(LinkFault):
    """Another link fault for `down`, then none for `up`, and so on; each segment has its own receipt."""

    name: ClassVar = "flap"
    rank: ClassVar = 150
    plain_effect: ClassVar = "on and off: another fault, again and again"
    summary: ClassVar = "another link fault, periodically: on for `down`, off for `up`"
    visible_effect: ClassVar = (
        "The effect of the other fault, periodically; the first segment begins with the fault."
    )
    expected_client_behaviour: ClassVar = (
        "Its backoff is not reset at the first welcome, and its session survives every segment."
    )
    example: ClassVar = "of: refuse, down: 1s, up: 3s"

    of: Annotated[LinkFault, Field(description="the other fault: its name, or a mapping with `fault:` in it")]
    down_s: Annotated[Seconds, Field(ge=0.05, description="how long each segment lasts")]
    up_s: Annotated[Seconds, Field(ge=0.05, description="how long the link works between two segments")]

    @field_validator("of", mode="before")
    @classmethod
    def _make(cls, value: Any, info: ValidationInfo) -> Any:
        # The catalogue passes its reader in the context, since it imports this file.
        fault = info.context["read"](value) if info.context else value
        if not isinstance(fault, LinkFault) or isinstance(fault, Flap):
            raise ValueError(f"expected a link fault other than flap; found {value!r}")
        return fault

    @field_serializer("of")
    def _write(self, value: LinkFault) -> dict[str, Any]:
        return {"fault": value.name, **value.params()}

    def expand(self, for_s: float | None) -> tuple[Segment, ...]:
        if for_s is None:
            raise ValueError("a flap needs a duration")
        period_s = self.down_s + self.up_s
        count = min(MAX_SEGMENTS, int((for_s - self.down_s + 1e-9) / period_s) + 1)
        lasting = self.down_s if self.of.lasting else None
        return tuple(Segment(round(index * period_s, 6), lasting, self.of) for index in range(max(count, 1)))

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        return self.of.probe_rate_for(for_s)

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return self.of.disconnects(self.down_s, notice_s)

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return self.of.exclusive_aspects()

    def shared_aspects(self) -> frozenset[Aspect]:
        return self.of.shared_aspects()

    def effect(self) -> LinkEffect:
        return self.of.effect()

    def symptoms(self) -> frozenset[Symptom]:
        return self.of.symptoms()

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return self.of.effect_samples(seen)

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        return self.of.max_gap_ns(seen)

    def observed(self, seen: LinkEvidence) -> Observation:
        return self.of.observed(seen)
