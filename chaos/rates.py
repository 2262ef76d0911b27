"""Throughput of a link under a fault that bounds it, each direction by itself and against what the link
carries when nothing bounds it. Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from chaos.directions import Direction
from chaos.evidence import Flow, LinkSeen, Observation, Window
from chaos.through import Sign

MOST = 1.2
# What the link carries by itself must be this much above the limit, or the limit shows nothing.
BASELINE = 1.5
QUANTITY = "rate_bytes_per_s"
_HALVES = (Direction.to_coordinator, Direction.to_worker)


def bounded(seen: LinkSeen, asked: float, least: float, direction: Direction, how: str = "") -> Observation:
    """Whether bytes came at no more than `asked` bytes a second (and at no less than `least` of it) in the
    directions hurt, and faster in the others, on a link whose own rate is well above that.
    """
    hurt = [(half, _rates(seen.during, half)) for half in _HALVES if half in direction.halves]
    measured = [statistics.median(rates) for _, rates in hurt if rates]
    if not measured:
        return Observation(False, "no throughput was measured during it", asked=asked, quantity=QUANTITY)
    rate = statistics.fmean(measured)
    because = f"{rate:.0f} B/s went through{how}"

    def told(seen_there: bool, more: str = "") -> Observation:
        return Observation(seen_there, because + more, asked=asked, measured=rate, quantity=QUANTITY)

    for half, rates in hurt:
        own = _own(seen, half)
        if own is None:
            return told(False, "; what the link carries by itself was not measured")
        if own < BASELINE * asked:
            return told(False, f"; the link by itself carried {own:.0f} B/s {half}: the limit proves nothing")
        if rates and not least * asked <= statistics.median(rates) <= MOST * asked:
            return told(False, f", {statistics.median(rates):.0f} B/s {half}")
    for half in _HALVES:
        if half not in direction.halves and _is_bound(seen, half, asked):
            return told(False, f"; {half} is bound as well, and nobody asked for it")
    return told(True, f" (by itself the link carried {_own(seen, hurt[0][0]) or 0:.0f} B/s)")


def flow_signs(window: Window, asked: float, direction: Direction) -> list[Sign]:
    """Each measure of throughput, as a sign that the bound stood: it was gone where all bytes, over all of
    the time, came faster.
    """
    flows = [*window.flows, *(window.downs if Direction.to_worker in direction.halves else ())]
    signs = [Sign(one.from_ns, one.at_ns, one.least_bytes_per_s <= MOST * asked) for one in flows]
    return sorted(signs, key=lambda sign: sign.from_ns)


def _rates(window: Window, half: Direction) -> list[float]:
    """A direction's rates: bytes as they came to the far end, or downloads; else echoes."""
    if half is Direction.to_coordinator:
        rates = [one.up_bytes_per_s for one in window.flows if one.up_bytes_per_s]
    else:
        rates = [one.bytes_per_s for one in window.downs]
    return rates or list(window.rates_bytes_per_s)


def _own(seen: LinkSeen, half: Direction) -> float | None:
    """What the link carries by itself: before the fault, or else after it."""
    for window in (seen.before, seen.after):
        if rates := _rates(window, half):
            return statistics.median(rates)
    return None


def _is_bound(seen: LinkSeen, half: Direction, asked: float) -> bool:
    """Whether a direction that was not asked for is held to the same rate, though the link carries more."""
    pick: Callable[[Window], Sequence[Flow]] = (
        (lambda window: [one for one in window.flows if one.up_bytes_per_s])
        if half is Direction.to_coordinator
        else (lambda window: window.downs)
    )
    during, own = pick(seen.during), _own(seen, half)
    if not during or own is None or own < 2 * BASELINE * asked:
        return False
    return statistics.median(_rate(one, half) for one in during) <= MOST * asked


def _rate(flow: Flow, half: Direction) -> float:
    return flow.up_bytes_per_s if half is Direction.to_coordinator else flow.bytes_per_s
