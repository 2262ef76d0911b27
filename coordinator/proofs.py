"""Proof of the process to which an attempt was assigned, for a coordinator that lost its memory.

An attempt may begin before its row is durable, so after a restart a worker may hold an attempt that
the disk lacks. Task names and tokens can be guessed, so a report alone proves nothing: each
assignment carries a MAC over its task, its token and its worker process, under a key that the store
alone has.
"""

from __future__ import annotations

from typing import Final

import msgspec

from coordinator.session import Session
from wire.keys import derive, mac, macs_equal

PROOF_BYTES: Final = 8
_encode = msgspec.msgpack.Encoder().encode


class AttemptProofs:
    """Makes and verifies proofs. `secret` is the store's, the same in each of the coordinator's lives."""

    def __init__(self, secret: bytes) -> None:
        assert secret, "without a secret of the store every proof could be forged"
        self._key = derive(secret, b"", b"stormlab attempt proof")

    def proof(self, session: Session, task_id: str, token: int) -> bytes:
        """Return the proof for the assignment of this attempt to `session`'s process."""
        owner = _encode((session.worker, session.incarnation, task_id, token))
        return mac(self._key, owner)[:PROOF_BYTES]

    def shows(self, session: Session, task_id: str, token: int, proof: bytes) -> bool:
        """Return whether `proof` proves that the attempt was assigned to `session`'s process."""
        return macs_equal(self.proof(session, task_id, token), proof)
