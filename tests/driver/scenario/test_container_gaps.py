"""A container fault holds through its window: what interrupts it, or what was not looked at, is named."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.catalogue import make
from driver.histories import events as driver
from driver.judging.container_samples import container_samples
from driver.judging.receipts import InjectedFault, Proof, prove
from tests.driver.scenario.prober_story import MS, S, Story
from wire.events import ProcessStarted, WorkerJoined, WorkerLost

BEGIN_S, END_S, WORKER = 20.0, 37.0, "worker-1"
AS_MADE: dict[str, Any] = {
    "status": "running", "exit_code": -1, "out_of_memory": False, "plugged": True, "cpus": 1.0,
    "memory_bytes": 1 << 27,
}  # fmt: skip
UNDER: dict[str, dict[str, Any]] = {
    "kill": {"status": "exited", "exit_code": 137},
    "pause": {"status": "paused"},
    "unplug": {"plugged": False},
    "cpu": {"cpus": 0.1},
    "memory": {"memory_bytes": 64 << 20},
}
PARAMS: dict[str, dict[str, Any]] = {"cpu": {"cores": 0.1}, "memory": {"limit": "64MiB"}}


class Watched(Story):
    """A story in which the driver looks at one container twice a second, from the begin of its fault on."""

    def __init__(self) -> None:
        super().__init__()
        self.add(ProcessStarted, 1, WORKER, role="worker", incarnation="1", settings=b"{}")
        self.add(ProcessStarted, END_S + 1, WORKER, role="worker", incarnation="2", settings=b"{}")

    def state(self, at_s: float, **changed: Any) -> None:
        """The state of the container, from the look at `at_s` on."""
        asked_ns = round(at_s * S) - 10 * MS
        fields = {**AS_MADE, **changed}
        self.add(driver.ContainerChange, at_s, "driver", container=WORKER, asked_ns=asked_ns, **fields)

    def looks(self, from_s: float, until_s: float) -> None:
        """A look each half second."""
        for number in range(round((until_s - from_s) * 2) + 1):
            at_s = from_s + number / 2
            self.add(
                driver.ContainersRead,
                at_s,
                "driver",
                asked_ns=round(at_s * S) - 10 * MS,
                closely=[WORKER],
            )

    def action(self, at_s: float, action: str, detail: str = "") -> None:
        """What the engine reports."""
        self.add(driver.EngineAction, at_s, "driver", container=WORKER, action=action, detail=detail)


def under(fault: str, looks: tuple[tuple[float, float], ...] = ((0.5, END_S - BEGIN_S - 0.5),)) -> Watched:
    """A story in which the fault is on from its begin to its end; `looks` are seconds after its begin."""
    story = Watched()
    story.state(10)
    story.looks(10, 10)
    story.state(BEGIN_S + 0.5, **UNDER[fault])
    for from_s, until_s in looks:
        story.looks(BEGIN_S + from_s, BEGIN_S + until_s)
    story.add(WorkerLost, BEGIN_S + 4, "coordinator", worker=WORKER, session="s", kind="silence", detail="",
              silent_ms=1)  # fmt: skip
    return story


def receipt(fault: str, story: Watched, mechanism: str = "") -> Proof:
    act = InjectedFault(
        "f1", make(fault, PARAMS.get(fault, {})), (WORKER,), planned_ns=round(BEGIN_S * S),
        called_ns=round(BEGIN_S * S) - 5 * MS, began_ns={WORKER: round(BEGIN_S * S)},
        ended_ns={WORKER: round(END_S * S) + 20 * MS}, end_called_ns=round(END_S * S),
        mechanism=mechanism,
    )  # fmt: skip
    (proof,) = prove([act], story.history(), [], container_samples(story.history(), [WORKER]))
    return proof


@pytest.mark.parametrize("fault", UNDER)
def test_a_fault_that_held_through_its_window_is_proved_for_all_of_it(fault: str) -> None:
    proof = receipt(fault, under(fault))
    assert proof.proved, proof.because
    assert proof.measured["proved_ratio"] == 1.0


def test_a_receipt_names_the_mechanism_of_the_engine() -> None:
    proof = receipt("pause", under("pause"), "SIGSTOP")
    assert proof.mechanism == "SIGSTOP"
    assert proof.because.endswith(", by SIGSTOP")
    assert ", by" not in receipt("pause", under("pause")).because


@pytest.mark.parametrize("fault", UNDER)
def test_a_fault_that_was_lifted_in_the_middle_and_put_back_is_not_proved(fault: str) -> None:
    story = under(fault)
    story.state(BEGIN_S + 6)
    story.state(BEGIN_S + 10, **UNDER[fault])
    proof = receipt(fault, story)
    assert not proof.proved
    assert "not proved from 5.5 s to 10.0 s" in proof.because
    assert proof.measured["proved_ratio"] == pytest.approx(1 - 4.5 / 17)
    assert "74% of the time is proved" in proof.because


SHORT = {
    "kill": (("start", ""), ("die", "137")),
    "pause": (("unpause", ""), ("pause", "")),
    "unplug": (("connect", "links"), ("disconnect", "links")),
    "cpu": (("update", ""), ("update", "")),
    "memory": (("update", ""), ("update", "")),
}


@pytest.mark.parametrize("fault", SHORT)
def test_what_happened_between_two_looks_is_found_in_the_engines_events(fault: str) -> None:
    story = under(fault)
    for number, (action, detail) in enumerate(SHORT[fault]):
        story.action(BEGIN_S + 3.1 + number / 10, action, detail)
    proof = receipt(fault, story)
    assert not proof.proved
    assert "not proved from 3.1 s to" in proof.because
    assert "which this run did not ask for" in proof.because


@pytest.mark.parametrize("fault", UNDER)
def test_a_stretch_in_which_nothing_looked_is_not_proved(fault: str) -> None:
    story = under(fault, ((0.5, 3), (13, 16.5)))
    proof = receipt(fault, story)
    assert not proof.proved
    assert "not proved from 3.0 s to 13.0 s (no sample was taken)" in proof.because


def test_what_the_engine_did_for_the_driver_is_no_contradiction() -> None:
    story = under("kill")
    story.action(BEGIN_S, "kill", "9")
    story.action(BEGIN_S + 0.05, "die", "137")
    story.action(END_S + 0.01, "start")
    assert receipt("kill", story).proved


def test_another_kind_of_change_is_no_contradiction() -> None:
    story = under("unplug")
    story.action(24, "pause")
    story.state(24.5, plugged=False, status="paused")
    story.action(26, "unpause")
    assert receipt("unplug", story).proved


def test_looks_at_limits_count_only_where_the_limits_were_read() -> None:
    story = under("cpu")
    looks = [one for one in story.others["driver"] if isinstance(one, driver.ContainersRead)]
    for one in looks[9:21]:
        one.closely.clear()
    assert "not proved from 4.0 s to 10.5 s" in receipt("cpu", story).because


def test_a_look_that_still_shows_the_limit_of_every_worker_is_a_gap_and_not_the_quota_of_the_fault() -> None:
    story = under("cpu", ((0.2, 0.2), (0.5, END_S - BEGIN_S - 0.5)))
    assert "not proved from 0.0 s to 0.5 s (it was running, 1 cores" in receipt("cpu", story).because


def test_a_quota_that_is_the_one_of_every_worker_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNDER, "cpu", {})
    monkeypatch.setitem(PARAMS, "cpu", {"cores": 1})
    proof = receipt("cpu", under("cpu"))
    assert not proof.proved
    assert "its quota was 1 cores before" in proof.because


def test_an_unplugged_worker_that_was_lost_before_needs_not_be_lost_again() -> None:
    story = under("unplug")
    story.others["coordinator"] = []
    story.add(
        WorkerLost, 12, "coordinator", worker=WORKER, session="s", kind="silence", detail="", silent_ms=1
    )
    assert receipt("unplug", story).proved
    story.add(
        WorkerJoined, 15, "coordinator", worker=WORKER, session="s", epoch=1, outcome="resumed", because=""
    )
    assert "noticed nothing" in receipt("unplug", story).because


def test_a_look_that_finds_alive_what_was_killed_just_before_is_no_contradiction() -> None:
    assert receipt("kill", under("kill", ((0.05, 0.05), (0.5, END_S - BEGIN_S - 0.5)))).proved


def test_a_look_long_after_the_kill_that_finds_it_alive_is_one() -> None:
    story = under("kill", ((0.7, END_S - BEGIN_S - 0.3),))
    story.state(BEGIN_S + 0.6)
    story.state(BEGIN_S + 1.1, **UNDER["kill"])
    proof = receipt("kill", story)
    assert not proof.proved
    assert "not proved from 0.0 s to 1.2 s" in proof.because


def stopped(alive_s: float, asked_s: float, at_s: float) -> Watched:
    """A worker that drains, is reported dead after `alive_s`, and of which one look says that it runs."""
    story = Watched()
    story.state(10)
    story.action(BEGIN_S + alive_s, "die")
    story.add(
        driver.ContainersRead,
        BEGIN_S + at_s,
        "driver",
        asked_ns=round((BEGIN_S + asked_s) * S),
        closely=[WORKER],
    )
    story.state(BEGIN_S + at_s + 0.5, status="exited", exit_code=0)
    story.looks(BEGIN_S + at_s + 0.5, END_S - 0.5)
    story.add(WorkerLost, BEGIN_S + 1, "coordinator", worker=WORKER, session="s", kind="closed", detail="",
              silent_ms=1)  # fmt: skip
    return story


def test_a_look_that_was_asked_for_before_the_end_of_a_drain_is_no_contradiction() -> None:
    assert receipt("stop", stopped(alive_s=0.6, asked_s=0.4, at_s=1.2)).proved


def test_a_look_that_was_asked_for_after_the_end_and_finds_it_alive_is_one() -> None:
    found = receipt("stop", stopped(alive_s=0.6, asked_s=0.9, at_s=1.2))
    assert not found.proved
    assert "not proved from 0.6 s" in found.because
