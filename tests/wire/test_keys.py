"""A code is HMAC-SHA256, as RFC 2104 has it."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from wire.keys import KEY_BYTES, TAG_BYTES, tag


@given(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.binary(max_size=300))
def test_a_code_is_the_first_half_of_what_the_standard_library_computes(key: bytes, data: bytes) -> None:
    assert tag(key, data) == hmac.digest(key, data, "sha256")[:TAG_BYTES]


def test_a_key_that_is_used_again_gives_the_same_code() -> None:
    key, data = b"k" * KEY_BYTES, b"frame"
    assert tag(key, data) == tag(key, data)
    assert tag(key, data) != tag(b"l" * KEY_BYTES, data)
