"""OutstandingEchoes: which message came back, whole or damaged, late, twice, or never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.prober.echoes import MAX_OUTSTANDING, OutstandingEchoes, message


def flipped(data: bytes, *places: int) -> bytes:
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 0x10
    return bytes(changed)


def test_echoes_in_order_have_no_damage() -> None:
    echoes = OutstandingEchoes()
    sent = [echoes.send(64, now_ns=number) for number in range(5)]
    for one in sent:
        echo = echoes.match(one.data)
        assert (echo.sent, echo.damaged_bytes, echo.missing, echo.repeated) == (one, 0, 0, False)
    assert len(echoes) == 0


@given(st.integers(9, 2000), st.data())
def test_each_damaged_byte_is_counted_once(size: int, data: st.DataObject) -> None:
    echoes = OutstandingEchoes()
    sent = echoes.send(size, now_ns=0)
    places = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=max(1, size // 5)))
    assert echoes.match(flipped(sent.data, *places)).damaged_bytes == len(places)


def test_messages_that_never_came_are_counted() -> None:
    echoes = OutstandingEchoes()
    sent = [echoes.send(16, now_ns=0) for _ in range(4)]
    assert echoes.match(sent[2].data).missing == 2
    assert echoes.match(sent[3].data).missing == 0


def test_a_repeated_message_is_marked_and_answers_nothing() -> None:
    echoes = OutstandingEchoes()
    first, second = echoes.send(16, now_ns=0), echoes.send(16, now_ns=0)
    echoes.match(first.data)
    echo = echoes.match(first.data)
    assert echo.repeated
    assert echo.sent is None
    assert echoes.match(second.data).sent == second


def test_a_message_with_a_damaged_mask_is_no_echo() -> None:
    echoes = OutstandingEchoes()
    sent = echoes.send(100, now_ns=0)
    assert echoes.match(flipped(sent.data, *range(2, 100, 4))).sent is None


@pytest.mark.parametrize("strange", [b"", b"x" * 16, bytes(64)])
def test_what_is_no_echo_at_all_is_neither_damage_nor_an_answer(strange: bytes) -> None:
    echoes = OutstandingEchoes()
    sent = echoes.send(16, now_ns=0)
    echo = echoes.match(strange)
    assert (echo.sent, echo.damaged_bytes) == (None, 0)
    assert echoes.match(sent.data).sent == sent


def test_no_byte_of_the_pattern_is_zero_so_that_a_zeroed_one_shows() -> None:
    assert 0 not in message(5, 4096)[4:]


def test_what_waits_is_bounded() -> None:
    echoes = OutstandingEchoes()
    for _ in range(MAX_OUTSTANDING):
        assert not echoes.is_full
        echoes.send(8, now_ns=0)
    assert echoes.is_full
