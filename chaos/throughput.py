"""Throughput of a link under a fault that limits it, in each direction, against the link's own rate without
the fault. Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from chaos.coverage import EffectSample
from chaos.directions import Direction
from chaos.evidence import LinkEvidence, LinkWindow, Observation, ThroughputSample

MAX_FACTOR = 1.2
# The link's own rate must be this much above the limit, else the limit has no effect.
MIN_BASELINE_FACTOR = 1.5
QUANTITY = "rate_bytes_per_s"
_HALVES = (Direction.to_server, Direction.to_client)


def limited_to(
    seen: LinkEvidence, asked: float, least: float, direction: Direction, how: str = ""
) -> Observation:
    """Return whether the affected directions carried at most `asked` bytes a second (and at least `least` of
    it) and the others more, on a link whose own rate is well above that.
    """
    hurt = [(half, _rates(seen.during, half)) for half in _HALVES if half in direction.halves]
    measured = [statistics.median(rates) for _, rates in hurt if rates]
    if not measured:
        return Observation(False, "no throughput was measured during it", asked=asked, quantity=QUANTITY)
    rate, name = statistics.fmean(measured), seen.ends.name
    because = f"{rate:.0f} B/s went through{how}"

    def observation(present: bool, more: str = "") -> Observation:
        return Observation(present, because + more, asked=asked, measured=rate, quantity=QUANTITY)

    for half, rates in hurt:
        own = _own(seen, half)
        if own is None:
            return observation(False, "; what the link carries by itself was not measured")
        if own < MIN_BASELINE_FACTOR * asked:
            return observation(
                False,
                f"; the link by itself carried {own:.0f} B/s {name(half)}: the limit proves nothing",
            )
        if rates and not least * asked <= statistics.median(rates) <= MAX_FACTOR * asked:
            return observation(False, f", {statistics.median(rates):.0f} B/s {name(half)}")
    for half in _HALVES:
        if half not in direction.halves and _is_bound(seen, half, asked):
            return observation(False, f"; {name(half)} is bound as well, and no fault asks for it")
    return observation(True, f" (by itself the link carried {_own(seen, hurt[0][0]) or 0:.0f} B/s)")


def throughput_samples(window: LinkWindow, asked: float, direction: Direction) -> list[EffectSample]:
    """Return each measurement as a sample of the limit: it was absent where all bytes, over the whole
    time, were faster.
    """
    flows = [*window.flows, *(window.downs if Direction.to_client in direction.halves else ())]
    signs = [
        EffectSample(one.from_ns, one.at_ns, one.least_bytes_per_s <= MAX_FACTOR * asked) for one in flows
    ]
    return sorted(signs, key=lambda sign: sign.from_ns)


def _rates(window: LinkWindow, half: Direction) -> list[float]:
    """Return a direction's rates: at the far end, or of downloads; else of echoes."""
    if half is Direction.to_server:
        rates = [one.up_bytes_per_s for one in window.flows if one.up_bytes_per_s]
    else:
        rates = [one.bytes_per_s for one in window.downs]
    return rates or list(window.rates_bytes_per_s)


def _own(seen: LinkEvidence, half: Direction) -> float | None:
    """Return the link's own rate: before the fault, or else after it."""
    for window in (seen.before, seen.after):
        if rates := _rates(window, half):
            return statistics.median(rates)
    return None


def _is_bound(seen: LinkEvidence, half: Direction, asked: float) -> bool:
    """Return whether a direction that the fault should spare has the same limit, though the link
    carries more.
    """
    pick: Callable[[LinkWindow], Sequence[ThroughputSample]] = (
        (lambda window: [one for one in window.flows if one.up_bytes_per_s])
        if half is Direction.to_server
        else (lambda window: window.downs)
    )
    during, own = pick(seen.during), _own(seen, half)
    if not during or own is None or own < 2 * MIN_BASELINE_FACTOR * asked:
        return False
    return statistics.median(_rate(one, half) for one in during) <= MAX_FACTOR * asked


def _rate(flow: ThroughputSample, half: Direction) -> float:
    return flow.up_bytes_per_s if half is Direction.to_server else flow.bytes_per_s
