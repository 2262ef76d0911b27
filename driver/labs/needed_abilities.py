"""Refuses faults that need what the engine does not do. Nothing is imitated. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.actuator import name_list
from driver.engines.engine import Abilities
from driver.errors import UsageError
from driver.scenarios.plan import PlannedFault


def refuse_lacking(planned: Iterable[PlannedFault], abilities: Abilities) -> None:
    """Raise UsageError for the first fault that needs an ability which the engine lacks."""
    for one in planned:
        fault = one.build()
        for ability in fault.needs:
            if ability in abilities.lacks:
                raise UsageError(
                    f"{fault.name} on {name_list(one.targets)} needs the ability {ability.value!r}, which "
                    f"the engine {abilities.engine} lacks here: {abilities.lacks[ability]}.",
                    "Leave the fault out, or choose another engine with --engine.",
                )
