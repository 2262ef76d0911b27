"""When to dial again: counts what failed, keeps what the coordinator advised, and asks the policy."""

from __future__ import annotations

from random import Random
from typing import Final

from wire.handshake import Backoff
from wire.settings import WorkerSettings
from worker.policies import Advice, policy_named

DEFAULT_BASE_MS: Final = 200
DEFAULT_CAP_MS: Final = 5_000
_MS: Final = 1_000_000


class Reconnect:
    """The pure memory of one worker's losses.

    `attempt` counts from 1 after each loss, for people. The policy's own count goes on until a connection
    lived for `stable_ms`: a server that takes connections only to drop them must not be dialled again at once
    for ever.
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

    def dialling(self) -> int:
        """An attempt begins; its number since the last loss."""
        self.attempt += 1
        return self.attempt

    def advised(self, backoff: Backoff) -> None:
        """The welcome's advice, for all losses from now on."""
        self._advised = backoff

    def told(self, now_ns: int, after_ms: int) -> None:
        """The coordinator gave a slot: come back `after_ms` from now."""
        self._slot_at_ns = now_ns + after_ms * _MS

    def lost(self, lived_ns: int, stable_ms: int) -> None:
        """A connection that stood for `lived_ns` ended."""
        self.attempt = 0
        if lived_ns >= stable_ms * _MS:
            self._failures = 0
            self._previous_ms = 0.0

    def next_delay_ms(self, now_ns: int) -> float:
        """How long to wait now; uses up the slot. One that passed longer ago than the cap is nobody's any
        more.
        """
        self._failures += 1
        base_ms = self._settings.base_ms if self._settings.base_ms is not None else self._advised.base_ms
        cap_ms = self._settings.cap_ms if self._settings.cap_ms is not None else self._advised.cap_ms
        slot_ms = None
        if self._slot_at_ns is not None and now_ns < self._slot_at_ns + cap_ms * _MS:
            slot_ms = max(0.0, (self._slot_at_ns - now_ns) / _MS)
        self._slot_at_ns = None
        advice = Advice(base_ms, cap_ms, slot_ms)
        self._previous_ms = self._policy.delay_ms(self._failures, self._previous_ms, advice, self._random)
        return self._previous_ms
