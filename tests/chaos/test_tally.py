"""The pulse of a connection: when it counts as silent, and what its silence was in the end."""

from __future__ import annotations

from chaos.prober.echoes import Echo, Echoes, Sent
from chaos.prober.tally import SILENCE_NS, Burst, Counts, Pulse, count_echo

MS = 1_000_000


def answer(pulse: Pulse, echoes: Echoes, sent: Sent, now_ns: int) -> bool:
    echo = echoes.arrived(sent.data)
    return pulse.heard(now_ns, echo, echoes.newest_number)


def test_a_connection_that_nobody_asked_is_not_silent() -> None:
    assert Pulse(0).fell_silent(60_000 * MS, Echoes()) is None


def test_silence_is_told_once_and_since_it_was_last_heard() -> None:
    pulse, echoes = Pulse(0), Echoes()
    answer(pulse, echoes, echoes.send(8, 0), 1 * MS)
    echoes.send(8, 10 * MS)
    assert pulse.fell_silent(10 * MS + SILENCE_NS - 1, echoes) is None
    assert pulse.fell_silent(10 * MS + SILENCE_NS, echoes) == 1 * MS
    assert pulse.fell_silent(11 * MS + SILENCE_NS, echoes) is None


def test_a_slow_link_is_not_silent() -> None:
    pulse, echoes = Pulse(0), Echoes()
    answer(pulse, echoes, echoes.send(8, 0), 1000 * MS)
    echoes.send(8, 1000 * MS)
    assert pulse.fell_silent(2500 * MS, echoes) is None
    assert pulse.fell_silent(4000 * MS, echoes) is not None


def test_a_silence_after_which_everything_came_is_whole() -> None:
    pulse, echoes = Pulse(0), Echoes()
    sent = [echoes.send(8, number * MS) for number in range(5)]
    assert pulse.fell_silent(2000 * MS, echoes) == 0
    for one in sent[:-1]:
        echo = echoes.arrived(one.data)
        assert not pulse.heard(3000 * MS, echo, echoes.newest_number)
        assert pulse.silence_over(echo) is None
    echo = echoes.arrived(sent[-1].data)
    pulse.heard(3000 * MS, echo, echoes.newest_number)
    ended = pulse.silence_over(echo)
    assert ended is not None
    assert (ended.since_ns, ended.held, ended.whole) == (0, 5, True)
    assert pulse.silent_since_ns is None


def test_a_silence_in_which_something_vanished_is_not_whole() -> None:
    pulse, echoes = Pulse(0), Echoes()
    sent = [echoes.send(8, 0) for _ in range(3)]
    pulse.fell_silent(2000 * MS, echoes)
    echo = echoes.arrived(sent[2].data)
    pulse.heard(3000 * MS, echo, echoes.newest_number)
    ended = pulse.silence_over(echo)
    assert ended is not None
    assert not ended.whole


def test_what_was_held_is_no_round_trip() -> None:
    pulse, echoes, counts = Pulse(0), Echoes(), Counts(0)
    sent = echoes.send(8, 0)
    pulse.fell_silent(2000 * MS, echoes)
    echo = echoes.arrived(sent.data)
    count_echo(counts, 3000 * MS, echo, is_round_trip=pulse.heard(3000 * MS, echo, echoes.newest_number))
    assert (counts.heard, counts.rtt_us) == (1, [])


def test_a_round_trip_is_counted_with_its_moment() -> None:
    counts = Counts(1000 * MS)
    count_echo(counts, 1250 * MS, Echo(Sent(1, b"12345678", 1240 * MS, bulk=False)), is_round_trip=True)
    assert (counts.rtt_at_ms, counts.rtt_us, counts.compared_bytes) == ([250], [10_000], 8)


def test_a_burst_counts_bytes_after_the_first_echo_until_the_last() -> None:
    burst = Burst(first=3, last=5)
    assert burst.heard(1000 * MS, 3, 500) is None
    assert burst.heard(1500 * MS, 4, 500) is None
    assert burst.heard(2000 * MS, 5, 500) == 1000


def test_what_came_in_one_piece_with_the_first_echo_took_no_time_and_counts_for_nothing() -> None:
    burst = Burst(first=3, last=6)
    assert burst.heard(1000 * MS, 3, 500) is None
    assert burst.heard(1000 * MS, 4, 500) is None
    assert burst.heard(1500 * MS, 5, 500) is None
    assert burst.heard(2000 * MS, 6, 500) == 1000


def test_a_burst_whose_first_echo_is_lost_tells_no_rate() -> None:
    burst = Burst(first=3, last=5)
    assert burst.heard(1500 * MS, 4, 500) is None
    assert burst.heard(2000 * MS, 5, 500) is None
