"""Claims about the handshake in the upgrade: damage, a wrong key and an old version give different errors."""

from __future__ import annotations

import base64
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import handshake, messages
from wire.codec import PROTOCOL_VERSION
from wire.errors import RefusalReason
from wire.handshake import (
    Backoff,
    HandshakeError,
    Hello,
    Refusal,
    Resume,
    Welcome,
    is_terminal,
    read_hello,
    read_refusal,
    read_welcome,
    write_hello,
    write_refusal,
    write_welcome,
)
from wire.keys import derive, fingerprint, mac, parse_key

KEY = bytes(range(32))
HELLO = Hello(PROTOCOL_VERSION, "worker-7", "a1", b"n" * 16, 1_000.0, 4, 4, True, Resume("s", 2, 17))
WELCOME = Welcome("resumed", "", "s", 2, b"m" * 16, 17, False, 64, 2_000, 4_000, Backoff(100, 4_000), True)


SENT = [
    kind
    for kind in (*vars(handshake).values(), *vars(messages).values())
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
]


def reason(value: str, key: bytes = KEY, wall_s: float = 1_000.0) -> RefusalReason:
    with pytest.raises(HandshakeError) as caught:
        read_hello(value, key, wall_s)
    return caught.value.reason


def test_a_hello_is_read_as_it_was_written() -> None:
    assert read_hello(write_hello(HELLO, KEY), KEY, 1_000.0) == HELLO


def test_a_welcome_is_read_as_it_was_written() -> None:
    assert read_welcome(write_welcome(WELCOME, KEY, HELLO), KEY, HELLO) == WELCOME


@given(st.data())
def test_a_damaged_hello_is_never_taken_for_a_wrong_key(data: st.DataObject) -> None:
    value = bytearray(write_hello(HELLO, KEY).encode())
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= 1 << data.draw(st.integers(0, 6))
    assert reason(value.decode()) is RefusalReason.damaged


def test_a_wrong_key_is_reported_as_such() -> None:
    assert reason(write_hello(HELLO, b"x" * 32)) is RefusalReason.bad_key


def test_a_hello_that_names_the_key_without_having_it_is_refused() -> None:
    body = msgspec.msgpack.encode(HELLO)
    forged = fingerprint(KEY) + mac(b"x" * 32, body) + body
    value = base64.urlsafe_b64encode(hashlib.sha256(forged).digest()[:8] + forged).decode()
    assert reason(value) is RefusalReason.bad_key


def test_another_version_is_reported_as_such_even_with_other_fields_behind_it() -> None:
    body = msgspec.msgpack.encode([PROTOCOL_VERSION + 1, {"all": "new"}])
    code = mac(derive(KEY, b"", b"stormlab handshake hello"), body)
    signed = fingerprint(KEY) + code + body
    value = base64.urlsafe_b64encode(hashlib.sha256(signed).digest()[:8] + signed).decode()
    assert reason(value) is RefusalReason.version


def test_a_hello_from_another_hour_is_refused() -> None:
    assert reason(write_hello(HELLO, KEY), wall_s=5_000.0) is RefusalReason.clock


def test_a_welcome_for_another_hello_is_refused() -> None:
    other = msgspec.structs.replace(HELLO, nonce=b"o" * 16)
    with pytest.raises(HandshakeError):
        read_welcome(write_welcome(WELCOME, KEY, other), KEY, HELLO)


@given(st.text(max_size=300))
def test_arbitrary_header_values_are_damage(value: str) -> None:
    assert reason(value) is RefusalReason.damaged


def test_only_a_wrong_key_and_a_refused_version_are_terminal() -> None:
    terminal = {r.label for r in RefusalReason if is_terminal(Refusal(r.label, ""))}
    assert terminal == {"bad_key", "version", "stranger"}


def test_a_refusal_is_read_as_it_was_written() -> None:
    refusal = Refusal("full", "64 of 64 places taken", 1_500)
    assert read_refusal(write_refusal(refusal)) == refusal


def test_derivation_gives_the_first_block_of_rfc_5869_case_1() -> None:
    okm = derive(bytes([0x0B] * 22), bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 62])
def test_a_key_of_another_shape_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -hex 32"):
        parse_key(text)


@pytest.mark.parametrize("kind", SENT, ids=[kind.__name__ for kind in SENT])
def test_what_a_peer_leaves_out_means_none_or_nothing(kind: type[msgspec.Struct]) -> None:
    given = {field.name: field.default for field in msgspec.structs.fields(kind) if not field.required}
    assert not any(given.values()), given
