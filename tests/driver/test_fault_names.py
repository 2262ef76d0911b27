"""Active link faults have the names that a scenario gives them."""

from __future__ import annotations

import pytest

from chaos.catalogue import ALL, make
from chaos.directions import Direction, stream
from chaos.fault import LinkFault
from driver.labs.active_faults import fault_names
from driver.labs.toxiproxy_api import FaultedLink, FaultState, ToxicState
from driver.scenarios.yaml_file import parse_yaml

NAMES = [kind.name for kind in ALL if issubclass(kind, LinkFault) and kind.name != "flap"]


def on(fault: LinkFault) -> FaultState:
    """A fault as Toxiproxy lists it: a toxic that affects both directions is two."""
    effect = fault.effect()
    toxics = [
        ToxicState(f"t{place}", toxic.type, stream(half))
        for place, toxic in enumerate(effect.toxics)
        for half in sorted(toxic.direction.halves)
    ]
    return FaultState("f", "on", [FaultedLink("worker-1", toxics=toxics)], effect.action.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_fault_is_named_as_a_scenario_has_it(name: str) -> None:
    kind = next(kind for kind in ALL if kind.name == name)
    fault = make(name, parse_yaml(f"{{{kind.example}}}", name).data or {})
    assert isinstance(fault, LinkFault)
    assert name in fault_names(on(fault)).replace(",", "").split()


@pytest.mark.parametrize("direction", list(Direction))
def test_the_direction_is_named_both_of_them_too(direction: Direction) -> None:
    fault = make("latency", {"mean": "200ms", "direction": direction.value})
    assert isinstance(fault, LinkFault)
    assert fault_names(on(fault)) == f"latency {direction.value}"


def test_a_toxic_of_no_fault_keeps_its_own_name() -> None:
    toxic = ToxicState("mine", "slow_close", "upstream")
    assert (
        fault_names(FaultState("f", "on", [FaultedLink("worker-1", toxics=[toxic])]))
        == "slow_close to_coordinator"
    )


def test_a_fault_on_a_system_has_the_directions_of_systems() -> None:
    toxics = [ToxicState("t", "hold", "upstream")]
    state = FaultState("f1", "on", [FaultedLink("api[1]->db:5432", toxics=toxics)])
    assert fault_names(state) == "stall or partition to_server"
