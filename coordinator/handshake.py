"""Validation of hellos, from the cheapest check to the most expensive, before a connection costs anything."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from coordinator.admission import Admission
from coordinator.counters import MetricCounters
from coordinator.refusal_log import RefusalLog
from wire import events
from wire.address import worker_name
from wire.errors import RefusalReason
from wire.handshake import CLOCK_BOUND_S, RETRY_MAX_MS, HandshakeError, Hello, Refusal, read_hello
from wire.limits import WORDS_CHARS, cut
from wire.settings import CoordinatorSettings

NAME_MAX = 100
NONCES_MAX = 200_000


@dataclass(frozen=True)
class HandshakeRefusal:
    """The answer to a refused hello: an HTTP status, and the content of the header."""

    status: int
    refusal: Refusal


class ReplayCache:
    """Nonces of the last 2 × CLOCK_BOUND_S, at most NONCES_MAX. A hello with an older nonce is refused by its
    time.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._order: deque[tuple[int, bytes]] = deque()

    def is_new(self, nonce: bytes, now_ns: int) -> bool:
        """Return whether `nonce` was not seen in the window, and remember it."""
        oldest_ns = now_ns - int(2 * CLOCK_BOUND_S * 1_000_000_000)
        while self._order and (self._order[0][0] < oldest_ns or len(self._order) >= NONCES_MAX):
            self._seen.discard(self._order.popleft()[1])
        if nonce in self._seen:
            return False
        self._seen.add(nonce)
        self._order.append((now_ns, nonce))
        return True


class HandshakeValidator:
    """Reads hellos; refuses those that are damaged, forged, replayed, or beyond the admission rate."""

    def __init__(
        self, fleet_key: bytes, settings: CoordinatorSettings, refusals: RefusalLog, counters: MetricCounters
    ) -> None:
        self._fleet_key = fleet_key
        self._members = frozenset(worker_name(index) for index in range(1, settings.members + 1))
        self._replay_cache = ReplayCache()
        self._admission = Admission(settings.admission_per_s, settings.admission_burst)
        self._refusals = refusals
        self._counters = counters

    def read(self, now_ns: int, wall_s: float, value: str | None) -> Hello:
        """Return the hello in a header's value. Raises HandshakeError."""
        if value is None:
            raise HandshakeError(RefusalReason.damaged, "the hello is missing from the upgrade request")
        hello = read_hello(value, self._fleet_key, wall_s)
        if not 0 < len(hello.worker) <= NAME_MAX:
            raise HandshakeError(RefusalReason.damaged, f"a worker's name has 1 to {NAME_MAX} characters")
        if self._members and hello.worker not in self._members:
            detail = (
                f"this lab has worker-1 … worker-{len(self._members)}, and no other (coordinator.members)"
            )
            raise HandshakeError(RefusalReason.stranger, detail, hello.worker)
        if not self._replay_cache.is_new(hello.nonce, now_ns):
            raise HandshakeError(RefusalReason.replayed, "this nonce was used before")
        return hello

    def wait_ms(self, worker: str, now_ns: int, *, resuming: bool) -> int:
        """Return 0 to admit `worker`, else the time in milliseconds after which it should retry."""
        return -(-self._admission.wait_ns(worker, now_ns, resuming=resuming) // 1_000_000)

    def refuse(
        self, now_ns: int, reason: RefusalReason, detail: str, worker: str = "", retry_after_ms: int = 0
    ) -> HandshakeRefusal:
        """Return a refusal; it is counted and written into the journal."""
        self._counters.add("handshakes_refused", reason.label)
        detail, retry_after_ms = cut(detail, WORDS_CHARS), min(retry_after_ms, RETRY_MAX_MS)
        # By the reason and not by the worker's name: before admission the name is whatever the peer claims.
        self._refusals.write(
            now_ns, events.HandshakeRefused, reason.label, reason.label, worker=worker, reason=reason.label,
            detail=detail, retry_after_ms=retry_after_ms,
        )  # fmt: skip
        return HandshakeRefusal(reason.status, Refusal(reason.label, detail, retry_after_ms))
