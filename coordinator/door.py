"""Who may come in: the checks of a hello, from the cheapest to the dearest, before a connection costs
anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.admission import Admission
from coordinator.counters import Counters
from coordinator.nonces import Nonces
from coordinator.refusals import Refusals
from wire import events
from wire.address import worker_name
from wire.errors import RefusalReason
from wire.handshake import RETRY_MAX_MS, HandshakeError, Hello, Refusal, read_hello
from wire.limits import WORDS_CHARS, cut
from wire.settings import CoordinatorSettings

NAME_MAX = 100


@dataclass(frozen=True)
class Refused:
    """The answer to a hello that is turned away: an HTTP status, and what goes into the header."""

    status: int
    refusal: Refusal


class Door:
    """Reads hellos, and turns away those that are damaged, forged, seen before, or too many at once."""

    def __init__(
        self, fleet_key: bytes, settings: CoordinatorSettings, refusals: Refusals, counters: Counters
    ) -> None:
        self._fleet_key = fleet_key
        self._members = frozenset(worker_name(index) for index in range(1, settings.members + 1))
        self._nonces = Nonces()
        self._admission = Admission(settings.admission_per_s, settings.admission_burst)
        self._refusals = refusals
        self._counters = counters

    def read(self, now_ns: int, wall_s: float, value: str | None) -> Hello:
        """The hello in a header's value. Raises HandshakeError."""
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
        if not self._nonces.is_new(hello.nonce, now_ns):
            raise HandshakeError(RefusalReason.replayed, "a hello with this nonce came before")
        return hello

    def wait_ms(self, worker: str, now_ns: int, *, resuming: bool) -> int:
        """0 lets `worker` in; else how long it is to wait."""
        return -(-self._admission.wait_ns(worker, now_ns, resuming=resuming) // 1_000_000)

    def refuse(
        self, now_ns: int, reason: RefusalReason, detail: str, worker: str = "", retry_after_ms: int = 0
    ) -> Refused:
        """Turn a worker away, counted and written down."""
        self._counters.add("handshakes_refused", reason.label)
        detail, retry_after_ms = cut(detail, WORDS_CHARS), min(retry_after_ms, RETRY_MAX_MS)
        # By the reason and not by the worker's name: before it is let in it may call itself anything.
        self._refusals.write(
            now_ns, events.HandshakeRefused, reason.label, reason.label, worker=worker, reason=reason.label,
            detail=detail, retry_after_ms=retry_after_ms,
        )  # fmt: skip
        return Refused(reason.status, Refusal(reason.label, detail, retry_after_ms))
