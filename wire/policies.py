"""Reconnection policies: each is a pure function from the failures so far to the next delay, written once.

A worker draws one delay with it (`delay_ms`); the driver's forensics computes the bounds of many attempts at
once with the same function (driver/forensics/policies.py). A new policy is a function here with `@policy`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec

from wire.declarations import DeclarationError

MAX_DOUBLINGS: Final = 60
"""The exponent is bounded, since 2¹⁰⁰⁰⁰ overflows a float."""
BASE: Final = "base"
CAP: Final = "cap"
Number = Any
"""A float, or an array of floats: a policy computes with both."""


class PolicyAdvice(msgspec.Struct, frozen=True):
    """The bounds of a delay: base and cap in ms, and `slot_ms`, the time from now to the slot that the
    coordinator assigned (Retry-After, GoAway), or None.
    """

    base_ms: float
    cap_ms: float
    slot_ms: float | None = None


def _chosen(condition: Number, one: Number, other: Number) -> Number:
    return one if condition else other


@dataclass(frozen=True)
class Retry:
    """The next attempt, or arrays of many. All times have one unit; `second` is the length of a second in it.

    `number` is 1, 2, … since the last stable connection; `previous` is the delay before the previous attempt,
    0 for the first. `uniform(low, high)` is a draw between two bounds. `least`, `most` and `choose(condition,
    one, other)` work on floats and on arrays, where Python's `min`, `max` and `if` do not.
    """

    number: Number
    previous: Number
    base: Number
    cap: Number
    second: float
    uniform: Callable[[Number, Number], Number]
    least: Callable[[Number, Number], Number] = min
    most: Callable[[Number, Number], Number] = max
    choose: Callable[[Number, Number, Number], Number] = _chosen

    @property
    def doubled(self) -> Number:
        """min(cap, base · 2^(number-1))."""
        return self.least(self.cap, self.base * 2.0 ** self.least(self.number - 1, MAX_DOUBLINGS))


@dataclass(frozen=True)
class ReconnectPolicy:
    """A policy. `delay` is its formula, `says` what it draws, `parameters` which of base and cap it uses.

    A delay above `longest_s` is cut to it. With `takes_slot` the coordinator's slot is the delay, where there
    is one. `twin` has the same delays where base equals cap, without a slot. `grows` is the least ratio of
    cap to base: below it the delays are those of another policy. `spreads`: jitter or slots keep workers
    apart that were disconnected together.
    """

    name: str
    says: str
    delay: Callable[[Retry], Number]
    parameters: tuple[str, ...] = (BASE, CAP)
    longest_s: float = math.inf
    takes_slot: bool = False
    twin: str = ""
    grows: float = 1.25
    spreads: bool = True

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        """Return the delay before an attempt.

        Args:
            attempt: 1, 2, … since the last stable connection.
            previous_ms: the delay before the previous attempt, 0 for the first.
            advice: base, cap and slot.
            random: the source of jitter.
        """
        if self.takes_slot and advice.slot_ms is not None:
            return advice.slot_ms

        def drawn(low: float, high: float) -> float:
            return low if low == high else random.uniform(low, high)

        retry = Retry(attempt, previous_ms, advice.base_ms, advice.cap_ms, 1_000.0, drawn)
        return float(min(self.longest_s * 1_000.0, self.delay(retry)))


POLICIES: dict[str, ReconnectPolicy] = {}


def policy(
    name: str, says: str, **more: Any
) -> Callable[[Callable[[Retry], Number]], Callable[[Retry], Number]]:
    """Register a formula under the policy's name in settings. `more` are fields of ReconnectPolicy.

    Raises DeclarationError for a name that is declared twice, or is no identifier: the pattern of the
    setting is made from the names.
    """
    if not name.isidentifier():
        raise DeclarationError(
            f"the policy {name!r}: expected a name of letters, digits and underscores, as `full_jitter`"
        )

    def register(delay: Callable[[Retry], Number]) -> Callable[[Retry], Number]:
        if name in POLICIES:
            raise DeclarationError(f"the policy {name!r} is declared twice. Rename one of them")
        POLICIES[name] = ReconnectPolicy(name, says, delay, **more)
        return delay

    return register


def policy_named(name: str) -> ReconnectPolicy:
    """Return the policy of a name. Raises ValueError that lists the known names."""
    try:
        return POLICIES[name]
    except KeyError:
        raise ValueError(
            f"policy: expected one of {', '.join(POLICIES)}; found {name!r} (STORMLAB_WORKER)"
        ) from None


@policy("none", "at once", parameters=(), spreads=False)
def immediate(retry: Retry) -> Number:
    """0: a naive client, and the cause of a storm."""
    return 0.0


@policy("fixed", "always the base", parameters=(BASE,), twin="exponential", spreads=False)
def fixed(retry: Retry) -> Number:
    """The base, each time: clients that lose their connections together reconnect together."""
    return retry.base


@policy("exponential", "the base, doubled up to the cap", spreads=False)
def exponential(retry: Retry) -> Number:
    """min(cap, base · 2^(n-1)), without jitter: fewer attempts than fixed, and still in step."""
    return retry.doubled


@policy("equal_jitter", "the upper half of the doubled base")
def equal_jitter(retry: Retry) -> Number:
    """t/2 + uniform(0, t/2), t = min(cap, base · 2^(n-1)) (AWS, "Exponential Backoff and Jitter", 2015)."""
    half = retry.doubled / 2
    return half + retry.uniform(0.0, half)


@policy("full_jitter", "anywhere up to the doubled base")
def full_jitter(retry: Retry) -> Number:
    """uniform(0, t), t = min(cap, base · 2^(n-1)) (AWS, 2015): the jitter follows the cap, so that no delays
    pile up on the cap.
    """
    return retry.uniform(0.0, retry.doubled)


@policy("decorrelated", "from the base to three times the last delay", grows=3.75)
def decorrelated(retry: Retry) -> Number:
    """uniform(base, min(cap, 3 · previous)), from the base on (after AWS, 2015).

    AWS published min(cap, uniform(base, 3 · previous)), which puts two thirds of the delays exactly on the
    cap once it is reached; a capped bound keeps them spread.
    """
    low = retry.least(retry.base, retry.cap)
    return retry.uniform(low, retry.most(low, retry.least(retry.cap, 3 * retry.most(retry.previous, low))))


@policy("websockets", "up to 5 s, then 3.1 s times 1.618 each time", parameters=())
def websockets_library(retry: Retry) -> Number:
    """uniform(0, 5 s), then min(90 s, 3.1 s · 1.618ⁿ): `async for … in connect()` (websockets 17, client.py,
    `backoff`), with the library's own constants.
    """
    growth = 1.618 ** retry.least(retry.number - 2, MAX_DOUBLINGS)
    later = retry.least(90.0 * retry.second, 3.1 * retry.second * growth)
    is_first = retry.number == 1
    return retry.uniform(
        retry.choose(is_first, 0.0, later), retry.choose(is_first, 5.0 * retry.second, later)
    )


@policy("seed", "1 s doubled, 20 % either way, at most 60 s", parameters=(), longest_s=60.0)
def legacy(retry: Retry) -> Number:
    """min(60 s, 1 s · 2^(n-1) ± 20 %): the policy of the system that Stormlab's testing guide describes. Its
    jitter precedes the cap, so that from the eighth attempt on every delay is exactly 60 s.
    """
    doubled = retry.second * 2.0 ** retry.least(retry.number - 1, MAX_DOUBLINGS)
    return doubled * retry.uniform(0.8, 1.2)


@policy(
    "slotted",
    "the coordinator's slot, else anywhere up to the cap",
    parameters=(CAP,),
    takes_slot=True,
    twin="full_jitter",
)
def slotted(retry: Retry) -> Number:
    """The coordinator's slot where there is one, else uniform(0, cap).

    The cap sets how long a fleet needs to reconnect, since a sleeping client receives no slot. The knee is
    fleet ÷ admission rate: a shorter cap floods the coordinator, a longer one leaves it idle.
    """
    return retry.uniform(0.0, retry.most(retry.base, retry.cap))
