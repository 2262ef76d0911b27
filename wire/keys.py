"""Keys and MACs: HKDF and HMAC-SHA256 from the standard library."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final

KEY_BYTES: Final = 32
MAC_BYTES: Final = 16
_BLOCK_BYTES: Final = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_KEYS_AT_HAND: Final = 512


def derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    """Return a 32-byte key from `key` (HKDF with SHA-256, RFC 5869 sections 2.2 and 2.3, one block of
    output).
    """
    pseudo_random = hmac.digest(salt or bytes(KEY_BYTES), key, "sha256")
    return hmac.digest(pseudo_random, info + b"\x01", "sha256")


def mac(key: bytes, data: bytes) -> bytes:
    """Return the MAC of `data`: HMAC-SHA256 cut to 128 bits (RFC 2104 section 5 allows half the output)."""
    inner, outer = _begun(key)
    message = inner.copy()
    message.update(data)
    code = outer.copy()
    code.update(message.digest())
    return code.digest()[:MAC_BYTES]


@lru_cache(_KEYS_AT_HAND)
def _begun(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the two hashes of an HMAC, with the key already in them. Cached, since a short frame's MAC then
    takes a third of the time of hmac.digest. `key` has at most _BLOCK_BYTES.
    """
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def macs_equal(ours: bytes, theirs: bytes) -> bool:
    """Return whether two MACs are equal, in constant time."""
    return hmac.compare_digest(ours, theirs)


@lru_cache(8)
def fingerprint(key: bytes) -> bytes:
    """Return eight bytes that identify a key without revealing it, so that a wrong key differs from a damaged
    handshake.
    """
    return hashlib.sha256(b"stormlab key fingerprint" + key).digest()[:8]


def parse_key(text: str) -> bytes:
    """Return the fleet's key from its 64 hexadecimal digits.

    Raises ValueError with a sentence that says how to set it.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(
            f"STORMLAB_KEY must be 64 hexadecimal digits (32 bytes); found {len(text.strip())} characters. "
            "The lab makes one for each run; by hand: openssl rand -hex 32"
        )
    return key
