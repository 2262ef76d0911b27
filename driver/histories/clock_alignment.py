"""Converts the instants of a journal from its host's clock into the driver's. Pure.

Every field of an event whose name ends in `_ns` is an instant, or several, and 0 is none. Instants are of the
clock of the process that wrote them, but for those of NAMED_CLOCKS and of a fault on links. Durations, which
end in `_ms`, `_us` or `_s`, remain as their process measured them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import msgspec

from chaos.prober.events import HeardAgain, LinkSeen
from chaos.targets import SERVER, TOXIPROXY
from driver.histories.clocks import NO_SKEW, Clocks, Skew
from driver.histories.events import FaultBegun, FaultEnded
from driver.histories.history import JournalRead
from driver.histories.host_clock import Estimate, HostClock
from driver.histories.work import NAMED_CLOCKS
from wire.events import Event

SUFFIX = "_ns"
Convert = Callable[[int], int]


def aligned(
    journals: Mapping[str, JournalRead], clocks: Clocks, skew: Skew = NO_SKEW
) -> dict[str, JournalRead]:
    """Return journals with all instants by the driver's clock, as `skew` says of each host.

    Of a run on one host they are the same journals. A journal whose host's clock was never read is unchanged:
    `Clocks.trouble` names it.
    """
    if not clocks.host_of:
        return dict(journals)
    return {name: _aligned(journal, clocks, skew) for name, journal in journals.items()}


def aligned_event(event: Event, clocks: Clocks, skew: Skew = NO_SKEW) -> Event:
    """Return one event with its instants by the driver's clock."""
    own = _converter(event.by, clocks, skew)
    if isinstance(event, FaultBegun | FaultEnded):
        return _aligned_fault(event, clocks, skew)
    named, clock_of = NAMED_CLOCKS.get(type(event), (frozenset(), None))
    made: dict[str, object] = {}
    if clock_of is not None:
        made |= _changed(event, _converter(clock_of(event), clocks, skew), named)
    if own is not None:
        made |= _changed(event, own, instants(type(event)) - named)
    if isinstance(event, HeardAgain | LinkSeen) and not clocks.share(event.by, SERVER):
        made |= _one_way_unknown(event)
    return msgspec.structs.replace(event, **made) if made else event


@cache
def instants(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields of a kind that are instants, or have instants inside."""
    named = {name for name in kind.__struct_fields__ if name.endswith(SUFFIX)}
    inside = {
        field.name
        for field in msgspec.structs.fields(kind)
        for part in getattr(field.type, "__args__", (field.type,))
        if isinstance(part, type) and issubclass(part, msgspec.Struct) and instants(part)
    }
    return frozenset(named | inside)


def _aligned(journal: JournalRead, clocks: Clocks, skew: Skew) -> JournalRead:
    return replace(journal, events=[aligned_event(event, clocks, skew) for event in journal.events])


def _converter(process: str, clocks: Clocks, skew: Skew) -> Convert | None:
    """Return what converts instants of a process; None where its clock is the driver's, or unknown."""
    clock = clocks.of(process)
    if clock is None:
        return None
    return partial(_at, clock, skew.get(clocks.host_of[process], Estimate.nominal))


def _at(clock: HostClock, which: Estimate, host_ns: int) -> int:
    return clock.estimate(host_ns, which) if host_ns else 0


def _changed(value: msgspec.Struct, convert: Convert | None, names: frozenset[str]) -> dict[str, object]:
    return {} if convert is None else {name: _value(getattr(value, name), convert) for name in names}


def _value(value: Any, convert: Convert) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **_changed(value, convert, instants(type(value))))
    if isinstance(value, list):
        return [_value(one, convert) for one in value]
    if isinstance(value, dict):
        return {name: _value(one, convert) for name, one in value.items()}
    return convert(value) if isinstance(value, int) else value


def _aligned_fault(event: FaultBegun | FaultEnded, clocks: Clocks, skew: Skew) -> Event:
    """Return an event of a fault with Toxiproxy's instants as all its instants are converted: the driver
    added what it knew of that clock by then.
    """
    offset_ns = event.toxiproxy_offset_ns
    convert = _converter(TOXIPROXY, clocks, skew)
    if not offset_ns or convert is None:
        return event
    name = "began_ns" if isinstance(event, FaultBegun) else "ended_ns"
    times = {link: convert(at_ns - offset_ns) for link, at_ns in getattr(event, name).items()}
    changed: dict[str, object] = {name: times, "at_ns": max(times.values(), default=event.at_ns)}
    if isinstance(event, FaultBegun) and event.reached is not None:
        at_ns = convert(event.reached.at_ns - offset_ns)
        changed |= {"planned_ns": at_ns, "reached": msgspec.structs.replace(event.reached, at_ns=at_ns)}
    return msgspec.structs.replace(event, **changed)


def _one_way_unknown(event: HeardAgain | LinkSeen) -> dict[str, object]:
    """Return the fields that two clocks measured together, without a value."""
    return {"up_ms": -1.0, "down_ms": -1.0} if isinstance(event, HeardAgain) else {"up_us": []}
