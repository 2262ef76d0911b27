"""A manual injection is planned like any other fault, and refused before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from driver.errors import UsageError
from driver.labs.injection_plan import AT_ONCE_S, LONGEST_S, plan_injection


def plan(fault: str, selection: str = "all", for_s: float | None = None, **params: Any) -> list[Any]:
    return plan_injection(fault, params, selection, for_s, seed=1, clients=4)


def test_a_fault_hits_its_targets() -> None:
    (one,) = plan("latency", "2-3", 20.0, mean="200ms")
    assert one.targets == ("worker-2", "worker-3")
    assert (one.at_s, one.for_s) == (0.0, 20.0)


def test_without_a_time_it_lasts_until_it_is_ended() -> None:
    assert plan("partition")[0].for_s == LONGEST_S
    assert plan("cut")[0].for_s is None


def test_a_kill_without_a_time_is_over_once_it_is_done() -> None:
    assert plan("kill")[0].for_s == AT_ONCE_S
    assert plan("kill", for_s=5.0)[0].for_s == 5.0
    assert plan("stop")[0].for_s == LONGEST_S


def test_a_periodic_fault_comes_in_stretches() -> None:
    stretches = plan("flap", for_s=10.0, of="cut", down="1s", up="2s")
    assert [one.at_s for one in stretches] == [0.0, 3.0, 6.0, 9.0]
    assert len({one.id for one in stretches}) == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"fault": "latency"}, "needs it"),
        ({"fault": "latency", "mean": 5}, "with its unit"),
        ({"fault": "latency", "mean": "5ms", "meen": "1ms"}, "no parameter 'meen'"),
        ({"fault": "cut", "selection": "9"}, "names worker-9; there are 4 workers"),
        ({"fault": "cut", "selection": "coordinator"}, "coordinator has none of its own"),
        ({"fault": "cut", "for_s": 3.0}, "over in an instant"),
    ],
)
def test_what_cannot_be_is_refused(words: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        plan(**words)
