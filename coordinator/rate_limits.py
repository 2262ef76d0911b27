"""Rate limits of one connection: whole messages, and everything else, each at a bounded rate. Pure.

A worker and the prober send whole messages only. Pings, pongs and fragments are WebSocket's own, so a
few of them are answered; more are a flood. The rates are far above those of an honest peer: a worker
has at most a window of unacknowledged messages on its way, whatever was held up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from websockets.frames import Frame, Opcode

from coordinator.token_bucket import TokenBucket
from wire.limits import KIB

HANDSHAKE_BYTES: Final = 16 * KIB
"""Limit of an upgrade request, headers included: one with a hello has less than one KiB."""


@dataclass(frozen=True)
class RateLimits:
    """Frames of one connection, as a burst and per second. `bytes` 0 sets no limit but that of the
    messages.
    """

    messages: int
    bytes: int
    others_per_s: float = 10
    others: int = 200


WORKER: Final = RateLimits(messages=20_000, bytes=0)
PROBE: Final = RateLimits(messages=2_000, bytes=16 * KIB * KIB)


class ConnectionBudget:
    """The remaining budgets of one connection."""

    __slots__ = ("_bytes", "_messages", "_others")

    def __init__(self, rates: RateLimits) -> None:
        self._messages = TokenBucket(rates.messages, rates.messages)
        self._bytes = TokenBucket(rates.bytes, rates.bytes) if rates.bytes else None
        self._others = TokenBucket(rates.others_per_s, rates.others)

    def excess(self, now_ns: int, frame: Frame) -> str:
        """Return which limit a frame exceeds, in words; "" while it is within the limits."""
        if not frame.fin or (frame.opcode is not Opcode.BINARY and frame.opcode is not Opcode.TEXT):
            if not self._others.take(now_ns):
                return "too many pings, pongs or fragments"
        elif not self._messages.take(now_ns):
            return "too many messages a second"
        if self._bytes is not None and not self._bytes.take(now_ns, len(frame.data)):
            return "too many bytes a second"
        return ""
