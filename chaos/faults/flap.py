"""Any link fault, on and off."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from chaos.evidence import LinkSeen, Observation, Trace
from chaos.fault import Aspect, LinkFault, Part
from chaos.hands import LinkEffect
from chaos.prober.look import Look
from chaos.through import Sign
from chaos.units import Seconds

MAX_STRETCHES = 10_000


class Flap(LinkFault):
    """Another link fault, `down` long, then nothing, `up` long, and so on; each stretch is a fault with a
    receipt of its own.
    """

    name: ClassVar = "flap"
    summary: ClassVar = "another link fault, periodically: on for `down`, off for `up`"
    ends_see: ClassVar = (
        "What the other fault does, again and again; the first stretch begins with the fault."
    )
    good_client: ClassVar = (
        "Does not wear itself out: its backoff is not forgotten at the first welcome, and its session "
        "survives every stretch."
    )
    example: ClassVar = "of: refuse, down: 1s, up: 3s"

    of: Annotated[LinkFault, Field(description="the other fault: its name, or a mapping with `fault:` in it")]
    down_s: Annotated[Seconds, Field(ge=0.05, description="how long each stretch lasts")]
    up_s: Annotated[Seconds, Field(ge=0.05, description="how long the link is well between two stretches")]

    @field_validator("of", mode="before")
    @classmethod
    def _make(cls, value: Any, info: ValidationInfo) -> Any:
        # The catalogue hands itself in, since it imports this file.
        fault = info.context["read"](value) if info.context else value
        if not isinstance(fault, LinkFault) or isinstance(fault, Flap):
            raise ValueError(f"expected a link fault other than flap; found {value!r}")
        return fault

    @field_serializer("of")
    def _write(self, value: LinkFault) -> dict[str, Any]:
        return {"fault": value.name, **value.params()}

    def unfold(self, for_s: float | None) -> tuple[Part, ...]:
        if for_s is None:
            raise ValueError("a flap needs a duration")
        period_s = self.down_s + self.up_s
        count = min(MAX_STRETCHES, int((for_s - self.down_s + 1e-9) / period_s) + 1)
        lasting = self.down_s if self.of.lasting else None
        return tuple(Part(round(index * period_s, 6), lasting, self.of) for index in range(max(count, 1)))

    def look_for(self, for_s: float | None) -> Look:
        return self.of.look_for(for_s)

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return self.of.cuts(self.down_s, notice_s)

    def alone(self) -> frozenset[Aspect]:
        return self.of.alone()

    def among(self) -> frozenset[Aspect]:
        return self.of.among()

    def effect(self) -> LinkEffect:
        return self.of.effect()

    def traces(self) -> frozenset[Trace]:
        return self.of.traces()

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return self.of.signs(seen)

    def reach_ns(self, seen: LinkSeen) -> int:
        return self.of.reach_ns(seen)

    def observed(self, seen: LinkSeen) -> Observation:
        return self.of.observed(seen)
