"""Reconnection policies: each is a pure function from the failures so far to the next delay.

A new policy is a class here with `@policy("name")` on it. driver/forensics/policies.py holds the distribution
of each policy's delays, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Protocol, TypeVar

import msgspec

MAX_DOUBLINGS: Final = 60


class PolicyAdvice(msgspec.Struct, frozen=True):
    """The bounds of a delay: base and cap in ms, and `slot_ms`, the time from now to the slot that the
    coordinator assigned (Retry-After, GoAway), or None.
    """

    base_ms: float
    cap_ms: float
    slot_ms: float | None = None


class ReconnectPolicy(Protocol):
    """A reconnection policy."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        """Return the delay before an attempt.

        Args:
            attempt: 1, 2, … since the last stable connection.
            previous_ms: the delay before the previous attempt, 0 for the first.
            advice: base, cap and slot.
            random: the source of jitter.
        """
        ...


POLICIES: dict[str, ReconnectPolicy] = {}
P = TypeVar("P", bound=type)


def policy(name: str) -> Callable[[P], P]:
    """Register a policy class under the name that settings use."""

    def register(kind: P) -> P:
        POLICIES[name] = kind()
        return kind

    return register


def policy_named(name: str) -> ReconnectPolicy:
    """Return the policy of a name. Raises ValueError that lists the known names."""
    try:
        return POLICIES[name]
    except KeyError:
        raise ValueError(
            f"policy: expected one of {', '.join(POLICIES)}; found {name!r} (STORMLAB_WORKER)"
        ) from None


def doubled_ms(attempt: int, advice: PolicyAdvice) -> float:
    """Return min(cap, base · 2^(attempt-1)). The exponent is bounded, since 2¹⁰⁰⁰⁰ overflows a float."""
    return float(min(advice.cap_ms, advice.base_ms * 2.0 ** min(attempt - 1, MAX_DOUBLINGS)))


@policy("none")
class Immediate:
    """0: a naive client, and the cause of a storm."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        return 0.0


@policy("fixed")
class Fixed:
    """The base, each time: clients that lose their connections together reconnect together."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        return float(advice.base_ms)


@policy("exponential")
class Exponential:
    """min(cap, base · 2^(n-1)), without jitter: fewer attempts than fixed, and still in step."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        return doubled_ms(attempt, advice)


@policy("equal_jitter")
class EqualJitter:
    """t/2 + uniform(0, t/2), t = min(cap, base · 2^(n-1)) (AWS, "Exponential Backoff and Jitter", 2015)."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        half = doubled_ms(attempt, advice) / 2
        return half + random.uniform(0, half)


@policy("full_jitter")
class FullJitter:
    """uniform(0, t), t = min(cap, base · 2^(n-1)) (AWS, 2015): the jitter follows the cap, so that no delays
    pile up on the cap.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        return random.uniform(0, doubled_ms(attempt, advice))


@policy("decorrelated")
class Decorrelated:
    """uniform(base, min(cap, 3 · previous)), from the base on (after AWS, 2015).

    AWS published min(cap, uniform(base, 3 · previous)), which puts two thirds of the delays exactly on the
    cap once it is reached; a capped bound keeps them spread.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        low = min(advice.base_ms, advice.cap_ms)
        return random.uniform(low, max(low, min(advice.cap_ms, 3 * max(previous_ms, low))))


@policy("websockets")
class WebsocketsLibrary:
    """uniform(0, 5 s), then min(90 s, 3.1 s · 1.618ⁿ): `async for … in connect()` (websockets 17, client.py,
    `backoff`), with the library's own constants.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        if attempt == 1:
            return random.uniform(0, 5_000.0)
        return float(min(90_000.0, 3_100.0 * 1.618 ** min(attempt - 2, MAX_DOUBLINGS)))


@policy("seed")
class Legacy:
    """min(60 s, 1 s · 2^(n-1) ± 20 %): the policy of the system that Stormlab's testing guide describes. Its
    jitter precedes the cap, so that from the eighth attempt on every delay is exactly 60 s.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        doubled = 1_000.0 * 2.0 ** min(attempt - 1, MAX_DOUBLINGS)
        return float(min(60_000.0, doubled * random.uniform(0.8, 1.2)))


@policy("slotted")
class Slotted:
    """The coordinator's slot where there is one, else uniform(0, cap).

    The cap sets how long a fleet needs to reconnect, since a sleeping client receives no slot. The knee is
    fleet ÷ admission rate: a shorter cap floods the coordinator, a longer one leaves it idle.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: PolicyAdvice, random: Random) -> float:
        if advice.slot_ms is not None:
            return advice.slot_ms
        return random.uniform(0, max(advice.base_ms, advice.cap_ms))
