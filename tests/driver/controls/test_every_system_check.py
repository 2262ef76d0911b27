"""Every check of a foreign system passes on a run of one, and a control turns it red there."""

from __future__ import annotations

import pytest

from driver.checks import CHECKS
from driver.checks.finding import Status
from driver.controls.reds import red_of
from driver.histories import events as driver
from driver.histories.history import History
from driver.histories.system_events import LoadEnded, Operation
from driver.judging.expectations import Question, questions
from driver.metrics import measure_on_demand
from driver.scenarios.thresholds import parse_expectations
from tests.driver.judge.test_checks_on_systems import cut, history, ran, state

ON_SYSTEM = [name for name, check in CHECKS.items() if check.on_system is not None]


def run() -> History:
    """A link that is cut and carries again, containers that run, and a lab that is whole."""
    past = cut()
    for container in ("api[1]", "db[1]"):
        ran(past, container)
        state(past, container, "running", -1)
    past.emit("driver", driver.Healed, 8.1, links=[], containers=[], left=[], took_ms=1.0)
    past.emit(
        "driver", driver.Receipt, 8.2, fault="cut", kind="refuse", proved=True, because="seen", hit=[],
        missed=[], spared=[], strayed=[], observers=["prober"],
    )  # fmt: skip
    past.emit(
        "driver", driver.MachineSample, 9.0, runnable=1, cores=2, steal_ratio=0.0, cpu_pressure=None,
        io_pressure=None, memory_pressure=None, loop_lag_ms=1.0,
    )  # fmt: skip
    past.emit(
        "load", Operation, 28.0, load="tests", op="finally", key="finally_check#1", value=0, due_ns=0,
        call_ns=0, return_ns=0, outcome="ok",
    )  # fmt: skip
    past.emit("load", LoadEnded, 28.5, load="tests", operations=1)
    past.emit("driver", driver.LinksSeen, 29.0, moment="end", planned=[], found=[])
    past.emit("driver", driver.PhaseBegun, 29.1, phase="collect")
    past.emit("driver", driver.PhaseEnded, 29.2, phase="collect", outcome="done")
    found = history(past)
    found.expected = ["driver"]
    return found


def asked(name: str) -> Question:
    [found] = [one for one in questions(parse_expectations([name]), 1, on_system=True) if one.name == name]
    return found


@pytest.mark.parametrize("name", ON_SYSTEM)
def test_a_check_that_passes_on_a_foreign_system_is_turned_red(name: str) -> None:
    of, question = run(), asked(name)
    found = question.alone(of, measure_on_demand(of))
    assert found.status is Status.passed, found.because
    assert red_of(of, question) is not None


def test_the_red_of_a_link_that_carries_again_is_one_that_stays_cut() -> None:
    red = red_of(run(), asked("converged_after_healing"))
    assert red is not None
    assert red.control == "link_stays_cut"
