"""How silences are counted: the worst of them, and the shipped heartbeat under a virtual clock."""

from __future__ import annotations

import numpy as np

from benchmarks.bench_half_open import worst
from benchmarks.false_alarms import Jitter, Rule, false_alarms, noticed_ns
from benchmarks.pairs import Estimate
from worker.phi import PhiAccrual

MS = 1_000_000
FIXED = Rule(2_000, 4_000)
PHI = Rule(2_000, 4_000, PhiAccrual)
EVEN = [50 * MS] * 40


def test_the_worst_is_the_worst_of_all_and_spans_the_worst_of_each_round() -> None:
    assert worst([0, 0, 1, 1], [5.0, 7.0, 2.0, 6.0]) == Estimate(7.0, 6.0, 7.0)


def test_a_link_that_answers_in_time_raises_no_alarm() -> None:
    assert false_alarms(FIXED, EVEN, 0.5) == 0
    assert false_alarms(PHI, EVEN, 0.5) == 0


def test_each_answer_that_comes_after_the_timeout_is_an_alarm_and_a_new_connection() -> None:
    late = [*EVEN, 4_100 * MS, *EVEN, 4_100 * MS, *EVEN]
    assert false_alarms(FIXED, late, 0.5) == 2


def test_what_the_fixed_rule_forgives_may_alarm_phi() -> None:
    late = [*EVEN, 3_500 * MS, *EVEN]
    assert false_alarms(FIXED, late, 0.5) == 0
    assert false_alarms(PHI, late, 0.5) == 1


def test_a_silence_right_after_an_answer_lasts_interval_and_timeout() -> None:
    answered_ns = (1_000 + 5 * 2_000 + 50) * MS
    assert noticed_ns(FIXED, EVEN, 0.5, answered_ns + 1) == 5_950 * MS - 1


def test_phi_notices_an_even_links_silence_in_little_more_than_half() -> None:
    answered_ns = (1_000 + 20 * 2_000 + 50) * MS
    assert 0.5 < noticed_ns(PHI, EVEN, 0.5, answered_ns + 1) / (6_000 * MS) < 0.53


def test_a_lost_packet_comes_again_after_tcps_timeout_doubled_each_time() -> None:
    chance = np.random.default_rng(3)
    trips_ms = Jitter(20, 0.0, 0.2, 200).round_trips_ns(chance, 2_000) / MS
    assert {40.0, 240.0, 440.0, 640.0} <= set(trips_ms.tolist())
    assert trips_ms.min() == 40.0
