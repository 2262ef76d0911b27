"""When to dial again: the failures so far, the coordinator's advice, and the policy's delay. Pure."""

from __future__ import annotations

from random import Random
from typing import Final

from wire.handshake import Backoff
from wire.policies import PolicyAdvice, policy_named
from wire.settings import WorkerSettings

DEFAULT_BASE_MS: Final = 200
DEFAULT_CAP_MS: Final = 5_000
_MS: Final = 1_000_000


class ReconnectState:
    """The reconnection state of one worker.

    `attempt` counts from 1 after each loss. The policy's own count is reset only by a connection that lasted
    for `stable_ms`: a server that accepts connections and drops them must not be dialled without a delay for
    ever.
    """

    def __init__(self, settings: WorkerSettings, random: Random) -> None:
        self._policy = policy_named(settings.policy)
        self._settings = settings
        self._random = random
        self._advised = Backoff(DEFAULT_BASE_MS, DEFAULT_CAP_MS)
        self._slot_at_ns: int | None = None
        self._previous_ms = 0.0
        self._failures = 0
        self.attempt = 0

    def begin_attempt(self) -> int:
        """Count an attempt; returns its number since the last loss."""
        self.attempt += 1
        return self.attempt

    def set_advice(self, backoff: Backoff) -> None:
        """Set base and cap from a welcome, for all losses from now on."""
        self._advised = backoff

    def set_slot(self, now_ns: int, after_ms: int) -> None:
        """Set the time slot of the next attempt, `after_ms` from now (Retry-After, GoAway)."""
        self._slot_at_ns = now_ns + after_ms * _MS

    def on_lost(self, age_ns: int, stable_ms: int) -> None:
        """Record the loss of a connection that lasted for `age_ns`."""
        self.attempt = 0
        if age_ns >= stable_ms * _MS:
            self._failures = 0
            self._previous_ms = 0.0

    def next_delay_ms(self, now_ns: int) -> float:
        """Return the delay before the next attempt, and use up the slot. A slot that passed longer ago than
        the cap is void.
        """
        self._failures += 1
        base_ms = self._settings.base_ms if self._settings.base_ms is not None else self._advised.base_ms
        cap_ms = self._settings.cap_ms if self._settings.cap_ms is not None else self._advised.cap_ms
        slot_ms = None
        if self._slot_at_ns is not None and now_ns < self._slot_at_ns + cap_ms * _MS:
            slot_ms = max(0.0, (self._slot_at_ns - now_ns) / _MS)
        self._slot_at_ns = None
        advice = PolicyAdvice(base_ms, cap_ms, slot_ms)
        self._previous_ms = self._policy.delay_ms(self._failures, self._previous_ms, advice, self._random)
        return self._previous_ms
