"""Gaps are read from events: where each begins, its number as policies count, and the slot given."""

from __future__ import annotations

import numpy as np
import pytest

from driver.forensics.gaps import MAX_PER_OUTAGE, RetryGaps, gaps_by_client, pooled, sampled
from driver.forensics.policies import PriorAttempts
from tests.driver.judge.histories import Past
from wire import events as wire


def one_worker() -> Past:
    past = Past(1)
    past.begin()
    return past


def gaps(past: Past) -> RetryGaps:
    past.end(60)
    return gaps_by_client(past.history())["worker-1"]


def many(outages: int, each: int) -> RetryGaps:
    count = outages * each
    number = np.tile(np.arange(1.0, each + 1), outages)
    return RetryGaps(
        np.full(count, 0.1),
        PriorAttempts(number, np.zeros(count), np.full(count, np.nan)),
        np.repeat(np.arange(outages), each),
    )


def test_a_gap_goes_from_the_loss_or_a_failure_to_the_next_attempt() -> None:
    past = one_worker()
    past.lose("worker-1", 10)
    past.fail_to_connect("worker-1", 10.5, attempt=1, took_s=0.2)
    past.connect("worker-1", 12, outcome="resumed", attempt=2, took_s=0.1)
    found = gaps(past)
    assert found.gap_s == pytest.approx([0.3, 1.4])
    assert found.before.number.tolist() == [1, 2]
    assert found.before.previous_s == pytest.approx([0, 0.3])


def test_after_a_connection_that_did_not_live_long_the_policy_counts_on() -> None:
    past = one_worker()
    past.lose("worker-1", 10)
    past.fail_to_connect("worker-1", 10.5, attempt=1)
    past.connect("worker-1", 11, outcome="resumed", attempt=2)
    past.lose("worker-1", 12)
    past.connect("worker-1", 13, outcome="resumed", attempt=1)
    past.lose("worker-1", 30)
    past.connect("worker-1", 31, outcome="resumed", attempt=1)
    assert gaps(past).before.number.tolist() == [1, 2, 3, 1]


def test_what_a_process_waits_before_its_first_welcome_is_left_out() -> None:
    past = one_worker()
    past.start("worker-1", 10)
    past.fail_to_connect("worker-1", 10.5, attempt=1)
    past.fail_to_connect("worker-1", 11, attempt=2)
    past.connect("worker-1", 12, attempt=3)
    assert len(gaps(past)) == 0


def test_a_slot_goes_with_the_gap_after_it_and_one_that_is_not_recorded_leaves_its_gap_out() -> None:
    past = one_worker()
    past.lose("worker-1", 10, kind="going_away")
    past.emit("worker-1", wire.Connecting, 10.4, attempt=1)
    refused = {"kind": "status", "detail": "", "status": 503, "retry_after_ms": 750}
    past.emit("worker-1", wire.ConnectFailed, 10.5, attempt=1, **refused)
    past.connect("worker-1", 11.35, outcome="resumed", attempt=2, took_s=0.1)
    found = gaps(past)
    assert found.gap_s == pytest.approx([0.75])
    assert found.before.slot_s == pytest.approx([0.75])


def test_an_attempt_makes_no_gap_where_the_end_of_the_one_before_is_missing() -> None:
    past = one_worker()
    past.lose("worker-1", 10)
    past.emit("worker-1", wire.Connecting, 10.3, attempt=1)
    past.connect("worker-1", 12, outcome="resumed", attempt=2)
    assert len(gaps(past)) == 1


def test_a_sample_takes_the_first_gaps_of_outages_evenly_chosen() -> None:
    found = sampled(many(outages=400, each=40), most=320)
    assert found.outages == 320 // MAX_PER_OUTAGE
    assert found.before.number.max() == MAX_PER_OUTAGE
    assert found.outage.min() == 0
    assert found.outage.max() == 399


def test_a_fleets_outages_stay_apart() -> None:
    assert pooled([many(2, 3), many(3, 3)]).outages == 5
