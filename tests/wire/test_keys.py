"""The MAC is HMAC-SHA256, as in RFC 2104."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from wire.keys import KEY_BYTES, MAC_BYTES, mac


@given(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.binary(max_size=300))
def test_a_code_is_the_first_half_of_what_the_standard_library_computes(key: bytes, data: bytes) -> None:
    assert mac(key, data) == hmac.digest(key, data, "sha256")[:MAC_BYTES]


def test_a_key_that_is_used_again_gives_the_same_code() -> None:
    key, data = b"k" * KEY_BYTES, b"frame"
    assert mac(key, data) == mac(key, data)
    assert mac(key, data) != mac(b"l" * KEY_BYTES, data)
