"""Reconnection against a plain model: the rung of each delay, when it is reset, and whose slot it is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation import rungs
from tests.simulation.rungs import is_on_rung, rung
from wire.handshake import Backoff
from wire.policies import POLICIES
from wire.settings import WorkerSettings
from worker.reconnect import DEFAULT_BASE_MS, DEFAULT_CAP_MS, ReconnectState

MS = 1_000_000
STABLE_MS = 1_000
ACTS = st.lists(
    st.tuples(
        st.sampled_from(("fail", "fail", "fail", "drop", "live", "told", "advise")),
        st.sampled_from((0, 1, 400, 3_000)),
    ),
    max_size=50,
)


@given(st.sampled_from(sorted(POLICIES)), ACTS, st.booleans(), st.integers(0, 99))
def test_every_delay_is_on_its_rung(
    policy: str, acts: list[tuple[str, int]], is_set: bool, seed: int
) -> None:
    settings = (
        WorkerSettings(policy=policy, base_ms=100, cap_ms=2_000) if is_set else WorkerSettings(policy=policy)
    )
    real = ReconnectState(settings, Random(seed))
    base_ms, cap_ms = (100.0, 2_000.0) if is_set else (float(DEFAULT_BASE_MS), float(DEFAULT_CAP_MS))
    now_ns, failures, previous_ms, attempt = 5_000 * MS, 0, 0.0, 0
    slot_ns: int | None = None
    for act, number in acts:
        now_ns += number * MS
        if act == "told":
            slot_ns = now_ns + number * MS
            real.set_slot(now_ns, number)
            continue
        if act == "advise":
            real.set_advice(Backoff(50 + number, 700 + number))
            if not is_set:
                base_ms, cap_ms = 50.0 + number, 700.0 + number
            continue
        attempt += 1
        assert real.begin_attempt() == attempt
        if act != "fail":
            attempt = 0
            real.on_lost((STABLE_MS if act == "live" else STABLE_MS - 1) * MS, STABLE_MS)
        if act == "live":
            failures, previous_ms = 0, 0.0
        failures += 1
        expected = rung(policy, failures, previous_ms, base_ms, cap_ms)
        if policy == "slotted" and slot_ns is not None and now_ns < slot_ns + cap_ms * MS:
            expected = (max(0.0, (slot_ns - now_ns) / MS),) * 2
        slot_ns = None
        previous_ms = real.next_delay_ms(now_ns)
        assert is_on_rung(previous_ms, expected), f"{previous_ms} ms at failure {failures}: {expected}"


@pytest.mark.parametrize("policy", sorted(POLICIES))
@given(fails=st.integers(1, 12), drops=st.integers(0, 4), seed=st.integers(0, 99))
def test_a_stable_connection_leaves_nothing_of_the_past(
    policy: str, fails: int, drops: int, seed: int
) -> None:
    settings = WorkerSettings(policy=policy, base_ms=100, cap_ms=60_000)
    chance = Random(seed)
    old = ReconnectState(settings, chance)
    for number in range(fails + drops):
        if number >= fails:
            old.on_lost((STABLE_MS - 1) * MS, STABLE_MS)
        old.begin_attempt()
        old.next_delay_ms(0)
    old.on_lost(STABLE_MS * MS, STABLE_MS)
    fresh_chance = Random()
    fresh_chance.setstate(chance.getstate())
    fresh = ReconnectState(settings, fresh_chance)
    for _ in range(5):
        assert (old.begin_attempt(), old.next_delay_ms(0)) == (fresh.begin_attempt(), fresh.next_delay_ms(0))


def test_each_policy_has_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    fallen: list[str] = []

    def declared(policy: str, *_: float) -> tuple[float, float]:
        fallen.append(policy)
        return 0.0, 0.0

    monkeypatch.setattr(rungs, "_declared", declared)
    for policy in POLICIES:
        rung(policy, 1, 0.0, 100.0, 10_000.0)
    assert not fallen, "see docs/extending.md: a policy has a row in rungs.py"
