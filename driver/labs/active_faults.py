"""Active faults of a lab, from the states of Toxiproxy and the engine, with their planned ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from chaos.actuator import name_list
from chaos.catalogue import ALL, FAULTS, make
from chaos.directions import Direction, direction_of
from chaos.fault import DirectedFault, Layer, LinkFault
from chaos.targets import CLIENT, CORE, client_number
from chaos.units import format_seconds
from driver.histories.events import FaultBegun, FaultEnded
from driver.histories.history import History
from driver.labs.injection_plan import LONGEST_S
from driver.labs.lease_renewer import LEASE_MS, RENEW_EVERY_S
from driver.labs.toxiproxy_api import FaultState, LinkState
from driver.scenarios.yaml_file import parse_yaml
from driver.typed_json import decode_json

NOT_RENEWED_MS = LEASE_MS - 2_000 * RENEW_EVERY_S
"""A lease with less time left was not renewed when the renewal was last due."""


@dataclass(frozen=True)
class ActiveFault:
    """One fault for display; times in seconds.

    `id` is "" for a change that no fault of this lab explains. `since_s` is None where its begin is unknown,
    `ends_in_s` where its end is; `until` says what ends it.
    """

    id: str
    what: str
    targets: Sequence[str]
    since_s: float | None
    ends_in_s: float | None
    until: str
    lease_left_s: float | None = None


def open_faults(history: History) -> dict[str, FaultBegun]:
    """Return the faults that began and did not end, by id."""
    ended = {event.fault for event in history.of(FaultEnded) if not event.detail}
    return {event.fault: event for event in history.of(FaultBegun) if event.fault not in ended}


def link_faults(
    states: Sequence[FaultState], links: Sequence[LinkState], begun: Mapping[str, FaultBegun], now_ns: int
) -> list[ActiveFault]:
    """Return the faults on links, and changes of links by other clients of Toxiproxy.

    `begun` are the faults of the driver's journals by id; `now_ns` is CLOCK_MONOTONIC of Toxiproxy's host.
    """
    # A fault that is only armed has no begin yet.
    found = [_link_fault(one, begun.get(one.id), now_ns) for one in states if one.began_at_mono_ns]
    for link in links:
        if link.faults or not link.is_degraded:
            continue
        what = ", ".join(f"toxic {name}" for name in link.toxics) or "closed"
        what = "stuck" if link.stuck else f"{what} (by another client)"
        found.append(ActiveFault("", what, [link.name], None, None, "until heal"))
    return found


def container_faults(
    degradations: Mapping[str, Sequence[str]], begun: Mapping[str, FaultBegun], now_ns: int
) -> list[ActiveFault]:
    """Return the faults on containers, and degraded containers that no fault of this lab explains."""
    found, explained = [], set()
    for fault in begun.values():
        kind = FAULTS.get(fault.kind)
        targets = [name for name in fault.targets if name in degradations]
        if kind is None or kind.layer is not Layer.container or not targets:
            continue
        explained |= set(targets)
        left_s = _left_s(fault, now_ns)
        # No lease ends it: after its planned end, its command was killed.
        is_over = left_s is not None and left_s < 0
        until = "until heal (its command is gone)" if is_over else _until(fault, left_s)
        what = _with_parameters(fault.kind, fault)
        found.append(ActiveFault(fault.fault, what, targets, _since_s(fault.at_ns, now_ns), left_s, until))
    rest = [(name, what) for name, what in degradations.items() if name not in explained]
    return [
        *found,
        *(ActiveFault("", ", ".join(what), [name], None, None, "until heal") for name, what in rest),
    ]


def _link_fault(state: FaultState, begun: FaultBegun | None, now_ns: int) -> ActiveFault:
    lease_left_s = state.lease_left_ms / 1000
    left_s = None if begun is None else _left_s(begun, now_ns)
    if state.lease_left_ms < NOT_RENEWED_MS:
        left_s, until = lease_left_s, f"{_in(lease_left_s)} (not renewed)"
    elif begun is None:
        until = "until its command ends it"
    else:
        until = _until(begun, left_s)
    targets = [link.link for link in state.links]
    since_s = _since_s(state.began_at_mono_ns, now_ns)
    what = _with_parameters(fault_names(state), begun)
    return ActiveFault(state.id, what, targets, since_s, left_s, until, lease_left_s)


def fault_names(state: FaultState) -> str:
    """Return a fault of Toxiproxy as in a scenario: `latency to_worker`, not `delay downstream`.

    The direction is there only for faults that can have several. Faults that Toxiproxy cannot distinguish
    are all named; a toxic of no fault keeps Toxiproxy's name.
    """
    toxics = {(toxic.type, toxic.stream) for link in state.links for toxic in link.toxics}
    if not toxics:
        return " or ".join(_names(state.action, "")) or state.action
    found = []
    for kind in sorted({kind for kind, _ in toxics}):
        halves = frozenset(direction_of(stream) for name, stream in toxics if name == kind)
        direction = Direction.both if len(halves) > 1 else next(iter(halves))
        candidates = _names(state.action, kind)
        able = [name for name, fixed in candidates.items() if fixed in (None, direction)]
        is_choice = not able or any(candidates[name] is None for name in able)
        word = direction.in_systems if any("->" in link.link for link in state.links) else direction.value
        found.append((" or ".join(able) or kind) + (f" {word}" if is_choice else ""))
    return ", ".join(found)


@cache
def _names(action: str, toxic: str) -> dict[str, Direction | None]:
    """Return the faults with this action and toxic, each with its direction; None: it can have several."""
    found: dict[str, Direction | None] = {}
    for kind in ALL:
        if not issubclass(kind, LinkFault) or kind.name == "flap":
            continue
        fault = make(kind.name, parse_yaml(f"{{{kind.example}}}", kind.name).data or {})
        assert isinstance(fault, LinkFault)
        effect = fault.effect()
        directions = {one.type: one.direction for one in effect.toxics} or {"": Direction.both}
        if effect.action.value == action and toxic in directions:
            found[kind.name] = None if issubclass(kind, DirectedFault) else directions[toxic]
    return found


def target_ranges(targets: Sequence[str]) -> str:
    """Return targets in the fleet's order as in a selection: `worker-4`, `workers 1-3, 7`, `coordinator`.

    Those of a system are named one by one.
    """
    if any("[" in name or "->" in name for name in targets):
        return name_list(targets)
    numbers = [client_number(name) for name in targets if name not in CORE]
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    ranges = ", ".join("-".join(map(str, span)) for span in spans)
    clients = [f"{CLIENT}-{ranges}" if len(numbers) == 1 else f"{CLIENT}s {ranges}"] if numbers else []
    return ", ".join([*clients, *(name for name in targets if name in CORE)])


def _with_parameters(name: str, begun: FaultBegun | None) -> str:
    params = {} if begun is None else decode_json(begun.params, dict[str, object])
    return ", ".join([name, *(f"{key}: {value}" for key, value in params.items() if key != "direction")])


def _left_s(begun: FaultBegun, now_ns: int) -> float | None:
    """Return the seconds until the planned end; None for a fault that is over in an instant."""
    return None if begun.for_s is None else (begun.planned_ns - now_ns) / 1e9 + begun.for_s


def _until(begun: FaultBegun, left_s: float | None) -> str:
    if left_s is None:
        return "until heal"
    # A fault by hand without `--for` ends with its command, or after LONGEST_S.
    return f"until Ctrl-C or heal, {_in(left_s)} at most" if begun.for_s == LONGEST_S else _in(left_s)


def _in(left_s: float) -> str:
    return f"in {format_seconds(round(max(0.0, left_s), 1))}"


def _since_s(at_ns: int, now_ns: int) -> float:
    return max(0.0, (now_ns - at_ns) / 1e9)
