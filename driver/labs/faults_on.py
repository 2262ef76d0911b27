"""Faults that are on in a lab, as Toxiproxy and the engine have them, with their planned ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chaos.catalogue import FAULTS
from chaos.fault import Layer
from chaos.targets import CORE
from chaos.units import format_seconds
from driver.histories.events import FaultBegun, FaultEnded
from driver.histories.history import History
from driver.labs.by_hand import LONGEST_S
from driver.labs.fault_words import in_words
from driver.labs.lease_renewer import LEASE_MS, RENEW_EVERY_S
from driver.labs.links import FaultState, LinkState
from wire.address import index_in_name

NOT_RENEWED_MS = LEASE_MS - 2_000 * RENEW_EVERY_S
"""A lease that has less than this left was not renewed the last time that it was due."""


@dataclass(frozen=True)
class FaultOn:
    """One fault. `since_s` and `ends_in_s` are None where nothing says when it began, or when it will end."""

    id: str
    what: str
    targets: Sequence[str]
    since_s: float | None
    ends_in_s: float | None
    until: str
    lease_left_s: float | None = None


def open_faults(history: History) -> dict[str, FaultBegun]:
    """The faults that the driver began and has not ended, by id."""
    ended = {event.fault for event in history.of(FaultEnded) if not event.detail}
    return {event.fault: event for event in history.of(FaultBegun) if event.fault not in ended}


def on_links(
    states: Sequence[FaultState], links: Sequence[LinkState], begun: Mapping[str, FaultBegun], now_ns: int
) -> list[FaultOn]:
    """Faults on links, and what somebody else's client did to links."""
    # One that is armed has not begun yet.
    found = [_on_link(one, begun.get(one.id), now_ns) for one in states if one.began_at_mono_ns]
    for link in links:
        if link.faults or (link.enabled and not link.toxics):
            continue
        what = ", ".join(f"toxic {name}" for name in link.toxics) or "closed"
        found.append(FaultOn("", f"{what} (by another client)", [link.name], None, None, "until heal"))
    return found


def on_containers(
    hurts: Mapping[str, Sequence[str]], begun: Mapping[str, FaultBegun], now_ns: int
) -> list[FaultOn]:
    """Faults on containers, and containers that no fault of this lab explains."""
    found, explained = [], set()
    for fault in begun.values():
        kind = FAULTS.get(fault.kind)
        targets = [name for name in fault.targets if name in hurts]
        if kind is None or kind.layer is not Layer.container or not targets:
            continue
        explained |= set(targets)
        left_s = _left_s(fault, now_ns)
        # Nothing renews it: one whose time is over was left behind.
        until = "until heal (its command is gone)" if left_s is not None and left_s < 0 else _until(left_s)
        what = _described(fault.kind, fault)
        found.append(FaultOn(fault.fault, what, targets, _since_s(fault.at_ns, now_ns), left_s, until))
    rest = [(name, what) for name, what in hurts.items() if name not in explained]
    return [*found, *(FaultOn("", ", ".join(what), [name], None, None, "until heal") for name, what in rest)]


def _on_link(state: FaultState, begun: FaultBegun | None, now_ns: int) -> FaultOn:
    lease_left_s = state.lease_left_ms / 1000
    left_s = None if begun is None else _left_s(begun, now_ns)
    if state.lease_left_ms < NOT_RENEWED_MS:
        left_s, until = lease_left_s, f"{_in(lease_left_s)} (not renewed)"
    elif begun is None:
        until = "until its command ends it"
    else:
        until = _until(left_s)
    targets = [link.link for link in state.links]
    since_s = _since_s(state.began_at_mono_ns, now_ns)
    what = _described(in_words(state), begun)
    return FaultOn(state.id, what, targets, since_s, left_s, until, lease_left_s)


def _described(name: str, begun: FaultBegun | None) -> str:
    """The fault with its parameters, as a scenario has them."""
    params = {} if begun is None else msgspec.json.decode(begun.params, type=dict[str, object])
    return ", ".join([name, *(f"{key}: {value}" for key, value in params.items() if key != "direction")])


def _left_s(begun: FaultBegun, now_ns: int) -> float | None:
    """Seconds until its planned end; None for one that goes on until somebody ends it."""
    if begun.for_s is None or begun.for_s == LONGEST_S:
        return None
    return (begun.planned_ns - now_ns) / 1e9 + begun.for_s


def _until(left_s: float | None) -> str:
    return "until Ctrl-C or heal" if left_s is None else _in(left_s)


def _in(left_s: float) -> str:
    return f"in {format_seconds(round(max(0.0, left_s), 1))}"


def _since_s(at_ns: int, now_ns: int) -> float:
    return max(0.0, (now_ns - at_ns) / 1e9)


def ranges(targets: Sequence[str]) -> str:
    """Targets in the fleet's order as a selection has them: `worker-4`, `workers 1-3, 7`, `coordinator`."""
    numbers = [index_in_name(name) for name in targets if name not in CORE]
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    workers = ", ".join("-".join(map(str, span)) for span in spans)
    told = [f"worker-{workers}" if len(numbers) == 1 else f"workers {workers}"] if numbers else []
    return ", ".join([*told, *(name for name in targets if name in CORE)])
