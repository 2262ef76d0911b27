"""Some thirty seconds of hostile input. `make fuzz` is the long version."""

from __future__ import annotations

import time

import pytest

from tests.fuzz.live import run_live
from tests.fuzz.live_fuzz import run_live_fuzz
from tests.fuzz.pure import Fuzzer, FuzzFoundError

PURE_INPUTS, LIVE_INPUTS, LIVE_FUZZ_INPUTS = 100_000, 3_000, 2_000
HALF_S = 15.0
LEAST = 500


def test_hostile_input_gets_a_typed_error_or_nothing() -> None:
    fuzzer = Fuzzer(seed=1)
    assert fuzzer.run(PURE_INPUTS, until_s=time.monotonic() + HALF_S) >= LEAST
    assert {"altered", "undecodable", "damaged", "sequence_gap", "taken"} <= fuzzer.outcomes.keys()


def test_an_error_of_another_kind_is_found_and_reported_with_its_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("tests.fuzz.pure.read_hello", broken)
    with pytest.raises(FuzzFoundError, match=r"_hello, input \d+ of seed 1: ZeroDivisionError: oops"):
        Fuzzer(seed=1).run(1_000)


async def test_a_hostile_crowd_is_answered_and_counted_and_harms_no_worker() -> None:
    attacks, faults, _ = await run_live(1, LIVE_INPUTS, until_s=time.monotonic() + HALF_S)
    assert attacks > 0
    assert faults


async def test_what_is_refused_on_a_connection_that_stays_is_counted_by_its_name() -> None:
    totals = await run_live_fuzz(1, LIVE_FUZZ_INPUTS)
    assert totals.inputs >= LIVE_FUZZ_INPUTS
    assert {"results_refused_unknown", "results_refused_duplicate", "checkpoints_refused_stale"} == set(
        totals.claims
    )
    assert totals.tasks > 1
    assert f"{totals.inputs:,} hostile inputs" in totals.text()
