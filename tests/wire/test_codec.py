"""Claims about frames as bytes: an encoded frame decodes, and nothing else does."""

from __future__ import annotations

import contextlib
import pickle
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.codec import PROTOCOL_VERSION, FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.compression import deflate, inflate
from wire.errors import FrameError, FrameFault
from wire.keys import mac
from wire.messages import Assign, Envelope, Frame, Goodbye
from wire.priority import Priority

KEYS = session_keys(bytes(32), "session", 1, b"nonces")
FRAME = Frame(3, 64, [Envelope(1, Goodbye("enough"))])


def assignment(params: bytes) -> Frame:
    return Frame(0, 1, [Envelope(1, Assign("t", 1, "noop", params, Priority.normal, 1, 1, 1))])


def pair(*, compress: bool = True, limits: FrameLimits | None = None) -> tuple[FrameEncoder, FrameDecoder]:
    return FrameEncoder(KEYS.to_worker, compress=compress), FrameDecoder(
        KEYS.to_worker, limits or FrameLimits()
    )


def refused(decoder: FrameDecoder, data: bytes | str) -> FrameFault:
    with pytest.raises(FrameError) as caught:
        decoder.decode(data)
    return caught.value.fault


@given(st.binary(max_size=5_000), st.booleans())
def test_what_is_sealed_opens_to_the_same_frame(params: bytes, compress: bool) -> None:
    encoder, decoder = pair(compress=compress)
    assert decoder.decode(encoder.encode(assignment(params))) == assignment(params)


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    encoder, decoder = pair()
    sealed = bytearray(encoder.encode(FRAME))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert refused(decoder, bytes(sealed)) is FrameFault.altered


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_with_a_typed_error(noise: bytes) -> None:
    assert refused(pair()[1], noise) in (FrameFault.too_short, FrameFault.altered)


def test_a_frame_of_the_other_direction_is_refused() -> None:
    assert (
        refused(FrameDecoder(KEYS.to_coordinator, FrameLimits()), pair()[0].encode(FRAME))
        is FrameFault.altered
    )


@pytest.mark.parametrize(
    "other",
    [
        session_keys(bytes(32), "another", 1, b"nonces"),
        session_keys(bytes(32), "session", 2, b"nonces"),
        session_keys(bytes(32), "session", 1, b"others"),
        session_keys(b"k" * 32, "session", 1, b"nonces"),
    ],
    ids=["session", "epoch", "connection", "fleet key"],
)
def test_a_frame_of_another_place_or_time_is_refused(other: object) -> None:
    key = other.to_worker  # type: ignore[attr-defined]
    assert refused(FrameDecoder(key, FrameLimits()), pair()[0].encode(FRAME)) is FrameFault.altered


def test_a_frame_that_comes_twice_is_refused_as_replayed() -> None:
    encoder, decoder = pair()
    sealed = encoder.encode(FRAME)
    decoder.decode(sealed)
    assert refused(decoder, sealed) is FrameFault.replayed


def test_a_frame_that_comes_too_early_is_refused_as_reordered() -> None:
    encoder, decoder = pair()
    encoder.encode(FRAME)
    assert refused(decoder, encoder.encode(FRAME)) is FrameFault.reordered


def test_text_is_refused() -> None:
    assert refused(pair()[1], "hello") is FrameFault.text


def test_a_frame_over_the_limit_is_refused_before_its_code_is_computed() -> None:
    encoder, decoder = pair(compress=False, limits=FrameLimits(frame_bytes=100))
    assert refused(decoder, encoder.encode(assignment(bytes(200)))) is FrameFault.too_large


def test_a_bomb_is_refused_at_its_limit() -> None:
    encoder, decoder = pair(limits=FrameLimits(inflated_bytes=10_000))
    assert refused(decoder, encoder.encode(assignment(bytes(20_000)))) is FrameFault.bomb


def test_a_signed_frame_with_a_wrong_shape_is_refused_as_undecodable() -> None:
    encoder, decoder = pair()
    assert refused(decoder, encoder.encode(["not", "a", "frame"])) is FrameFault.undecodable  # type: ignore[arg-type]


@given(st.integers(0, 3), st.binary(max_size=300))
def test_a_signed_frame_with_any_flags_and_body_is_a_frame_or_is_refused_with_a_typed_error(
    flags: int, body: bytes
) -> None:
    head = struct.pack(">BBQ", PROTOCOL_VERSION, flags, 1)
    with contextlib.suppress(FrameError):
        assert isinstance(pair()[1].decode(head + mac(KEYS.to_worker, head + body) + body), Frame)


def test_the_ratio_counts_what_went_on_the_wire() -> None:
    encoder, decoder = pair()
    sealed = encoder.encode(assignment(bytes(4_000)))
    decoder.decode(sealed)
    assert encoder.wire_bytes == decoder.wire_bytes == len(sealed)
    assert encoder.raw_bytes == decoder.raw_bytes > 4_000


def test_compression_begins_at_512_bytes() -> None:
    assert deflate(bytes(511)) is None
    assert deflate(bytes(512)) is not None


def test_compression_is_left_out_where_it_does_not_win() -> None:
    noise = random.Random(7).randbytes(4_000)
    assert deflate(noise) is None
    assert deflate(bytes(100)) is None


@given(st.binary(max_size=2_000))
def test_inflating_arbitrary_bytes_raises_nothing_but_the_named_errors(noise: bytes) -> None:
    with contextlib.suppress(ValueError, OverflowError):
        assert len(inflate(noise, 1_000)) <= 1_000


def test_bytes_behind_a_compressed_body_are_refused() -> None:
    small = deflate(bytes(4_000))
    assert small is not None
    with pytest.raises(ValueError, match="behind its end"):
        inflate(small + b"x", 10_000)


def test_a_refused_frame_crosses_from_one_process_to_another_with_its_cause() -> None:
    error = pickle.loads(pickle.dumps(FrameError(FrameFault.altered, "the MAC does not match the bytes")))
    assert (error.fault, str(error)) == (FrameFault.altered, "altered: the MAC does not match the bytes")
