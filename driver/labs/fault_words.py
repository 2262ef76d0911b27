"""What Toxiproxy has of a fault, in a scenario's words: `latency to_worker`, not `delay downstream`. Pure."""

from __future__ import annotations

from functools import cache

from chaos.catalogue import ALL, make
from chaos.directions import Direction, direction_of
from chaos.fault import DirectedFault, LinkFault
from driver.labs.links import FaultState
from driver.scenarios.yaml_file import parse_yaml

NO_ACTION = "none"


def in_words(state: FaultState) -> str:
    """The fault's name, and the direction that it hurts where it is one with directions.

    Two faults that are the same to Toxiproxy are both named; what is of no fault keeps Toxiproxy's words.
    """
    toxics = {(toxic.type, toxic.stream) for link in state.links for toxic in link.toxics}
    if not toxics:
        return " or ".join(_names(state.action, "")) or state.action
    told = []
    for kind in sorted({kind for kind, _ in toxics}):
        halves = frozenset(direction_of(stream) for name, stream in toxics if name == kind)
        direction = Direction.both if len(halves) > 1 else next(iter(halves))
        known = _names(state.action, kind)
        able = [name for name, fixed in known.items() if fixed in (None, direction)]
        # Where it hurts is news only of a fault that can hurt one direction alone.
        where = f" {direction.value}" if not able or any(known[name] is None for name in able) else ""
        told.append((" or ".join(able) or kind) + where)
    return ", ".join(told)


@cache
def _names(action: str, toxic: str) -> dict[str, Direction | None]:
    """The faults that are this action and this toxic, each with its direction; None: it can have any."""
    found: dict[str, Direction | None] = {}
    for kind in ALL:
        if not issubclass(kind, LinkFault) or kind.name == "flap":
            continue
        fault = make(kind.name, parse_yaml(f"{{{kind.example}}}", kind.name).data or {})
        assert isinstance(fault, LinkFault)
        effect = fault.effect()
        made = {one.type: one.direction for one in effect.toxics} or {"": Direction.both}
        if effect.action.value == action and toxic in made:
            found[kind.name] = None if issubclass(kind, DirectedFault) else made[toxic]
    return found
