"""Which hellos were seen already. A nonce older than the handshake's clock bound needs no memory: its hello
is refused by its time.
"""

from __future__ import annotations

from collections import deque

from wire.handshake import CLOCK_BOUND_S

NONCES_MAX = 200_000


class Nonces:
    """The nonces of the last twice CLOCK_BOUND_S, at most NONCES_MAX of them."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._order: deque[tuple[int, bytes]] = deque()

    def is_new(self, nonce: bytes, now_ns: int) -> bool:
        """Whether `nonce` was not seen in the window; it is from now on."""
        oldest_ns = now_ns - int(2 * CLOCK_BOUND_S * 1_000_000_000)
        while self._order and (self._order[0][0] < oldest_ns or len(self._order) >= NONCES_MAX):
            self._seen.discard(self._order.popleft()[1])
        if nonce in self._seen:
            return False
        self._seen.add(nonce)
        self._order.append((now_ns, nonce))
        return True
