"""The pulse of a connection: when it counts as silent, and what its silence was in the end."""

from __future__ import annotations

import pytest

from chaos.prober.counters import SILENCE_NS, Burst, LinkCounters, SilenceDetector, count_echo
from chaos.prober.echoes import EchoMatch, OutstandingEchoes, SentMessage

MS = 1_000_000


def answer(pulse: SilenceDetector, echoes: OutstandingEchoes, sent: SentMessage, now_ns: int) -> bool:
    echo = echoes.match(sent.data)
    return pulse.on_arrival(now_ns, echo, echoes.newest_number)


def test_a_connection_without_a_pending_echo_is_not_silent() -> None:
    assert SilenceDetector(0).check_silence(60_000 * MS, OutstandingEchoes()) is None


def test_silence_is_reported_once_and_counts_from_the_last_echo() -> None:
    pulse, echoes = SilenceDetector(0), OutstandingEchoes()
    answer(pulse, echoes, echoes.send(8, 0), 1 * MS)
    echoes.send(8, 10 * MS)
    assert pulse.check_silence(10 * MS + SILENCE_NS - 1, echoes) is None
    assert pulse.check_silence(10 * MS + SILENCE_NS, echoes) == 1 * MS
    assert pulse.check_silence(11 * MS + SILENCE_NS, echoes) is None


def test_a_slow_link_is_not_silent() -> None:
    pulse, echoes = SilenceDetector(0), OutstandingEchoes()
    answer(pulse, echoes, echoes.send(8, 0), 1000 * MS)
    echoes.send(8, 1000 * MS)
    assert pulse.check_silence(2500 * MS, echoes) is None
    assert pulse.check_silence(4000 * MS, echoes) is not None


def test_a_silence_after_which_everything_came_is_whole() -> None:
    pulse, echoes = SilenceDetector(0), OutstandingEchoes()
    sent = [echoes.send(8, number * MS) for number in range(5)]
    assert pulse.check_silence(2000 * MS, echoes) == 0
    for one in sent[:-1]:
        echo = echoes.match(one.data)
        assert not pulse.on_arrival(3000 * MS, echo, echoes.newest_number)
        assert pulse.end_of_silence(echo) is None
    echo = echoes.match(sent[-1].data)
    pulse.on_arrival(3000 * MS, echo, echoes.newest_number)
    ended = pulse.end_of_silence(echo)
    assert ended is not None
    assert (ended.since_ns, ended.held, ended.whole) == (0, 5, True)
    assert pulse.silent_since_ns is None


def test_a_silence_in_which_something_vanished_is_not_whole() -> None:
    pulse, echoes = SilenceDetector(0), OutstandingEchoes()
    sent = [echoes.send(8, 0) for _ in range(3)]
    pulse.check_silence(2000 * MS, echoes)
    echo = echoes.match(sent[2].data)
    pulse.on_arrival(3000 * MS, echo, echoes.newest_number)
    ended = pulse.end_of_silence(echo)
    assert ended is not None
    assert not ended.whole


def test_what_was_held_is_no_round_trip() -> None:
    pulse, echoes, counts = SilenceDetector(0), OutstandingEchoes(), LinkCounters(0)
    sent = echoes.send(8, 0)
    pulse.check_silence(2000 * MS, echoes)
    echo = echoes.match(sent.data)
    count_echo(counts, 3000 * MS, echo, is_round_trip=pulse.on_arrival(3000 * MS, echo, echoes.newest_number))
    assert (counts.heard, counts.rtt_us) == (1, [])


def test_a_round_trip_is_counted_with_its_moment() -> None:
    counts = LinkCounters(1000 * MS)
    count_echo(
        counts, 1250 * MS, EchoMatch(SentMessage(1, b"12345678", 1240 * MS, bulk=False)), is_round_trip=True
    )
    assert (counts.rtt_at_ms, counts.rtt_us, counts.compared_bytes) == ([250], [10_000], 8)


def test_a_burst_counts_bytes_after_the_first_echo_until_the_last() -> None:
    burst = Burst(first=3, last=5)
    assert burst.on_arrival(1000 * MS, 3, 500) is None
    assert burst.on_arrival(1500 * MS, 4, 500) is None
    assert burst.on_arrival(2000 * MS, 5, 500) == 1000


def test_what_came_in_one_piece_with_the_first_echo_took_no_time_and_counts_for_nothing() -> None:
    burst = Burst(first=3, last=6)
    assert burst.on_arrival(1000 * MS, 3, 500) is None
    assert burst.on_arrival(1000 * MS, 4, 500) is None
    assert burst.on_arrival(1500 * MS, 5, 500) is None
    assert burst.on_arrival(2000 * MS, 6, 500) == 1000


def test_a_burst_whose_first_echo_is_lost_gives_no_rate() -> None:
    burst = Burst(first=3, last=5)
    assert burst.on_arrival(1500 * MS, 4, 500) is None
    assert burst.on_arrival(2000 * MS, 5, 500) is None


def test_what_came_in_one_piece_at_the_far_end_took_no_time_though_each_message_has_its_own_stamp() -> None:
    burst = Burst(first=1, last=8)
    # Two messages a piece, 20 ms apart, stamped 0.1 ms one after the other.
    for number in range(1, 9):
        piece, place = divmod(number - 1, 2)
        burst.on_arrival(2000 * MS, number, 500, (piece * 20 * MS + place * MS // 10, 400))
    # 6 messages of 400 bytes in 60 ms, less the 0.1 ms between the stamps of a piece.
    assert burst.up_bytes_per_s == pytest.approx(40_000, rel=0.01)


def test_the_last_messages_alone_make_no_rate_at_the_far_end() -> None:
    burst = Burst(first=1, last=8)
    for number in range(1, 9):
        late = 100 * MS if number == 8 else 0
        burst.on_arrival(2000 * MS, number, 500, (number * 10 * MS + late, 400))
    # Not the 400 bytes in 110 ms of the last message: 4 x 400 bytes in 140 ms.
    assert burst.up_bytes_per_s == pytest.approx(4 * 400 / 0.14, rel=0.01)
