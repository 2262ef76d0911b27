"""Both kinds of scenario: of the reference system, and of a system of one's own.

What the reference system's has of its own comes from its rooms, through this module alone.
"""

from __future__ import annotations

from driver.reference.scenarios.fleet import fleet_fields, fleet_of
from driver.reference.scenarios.live_signals import parse_signal_rule
from driver.reference.scenarios.scenario import SETTINGS, ReferenceScenario
from driver.reference.workload import Workload
from driver.scenarios.scenario import AnyScenario, SystemScenario

__all__ = (
    "SETTINGS",
    "ReferenceScenario",
    "Workload",
    "fleet_fields",
    "fleet_of",
    "kind_of",
    "parse_signal_rule",
)


def kind_of(is_own: bool) -> tuple[type[ReferenceScenario] | type[SystemScenario], type[AnyScenario]]:
    """Return the model of a scenario, and that of the other kind. `is_own`: it has a system of its own."""
    return (SystemScenario, ReferenceScenario) if is_own else (ReferenceScenario, SystemScenario)
