"""Faults on containers of a foreign system, which write no journal: the engine alone proves them."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.catalogue import make
from driver.histories import events as driver
from driver.judging.container_samples import container_samples
from driver.judging.receipts import InjectedFault, Proof, prove
from tests.driver.scenario.prober_story import MS, S, Story

BEGIN_S, END_S, NAME = 20.0, 37.0, "db[1]"
AS_MADE: dict[str, Any] = {
    "status": "running", "exit_code": -1, "out_of_memory": False, "plugged": True, "cpus": None,
    "memory_bytes": 0,
}  # fmt: skip
UNDER: dict[str, dict[str, Any]] = {
    "kill": {"status": "exited", "exit_code": 137},
    "stop": {"status": "exited", "exit_code": 0},
    "pause": {"status": "paused"},
    "unplug": {"plugged": False},
    "cpu": {"cpus": 0.1},
    "memory": {"memory_bytes": 64 << 20},
}
PARAMS: dict[str, dict[str, Any]] = {"cpu": {"cores": 0.1}, "memory": {"limit": "64MiB"}}


class Sampled(Story):
    """A story in which the engine is asked for one container twice a second."""

    def state(self, at_s: float, **changed: Any) -> None:
        fields = {**AS_MADE, **changed}
        asked_ns = round(at_s * S) - 10 * MS
        self.add(driver.ContainerChange, at_s, "driver", container=NAME, asked_ns=asked_ns, **fields)

    def samples(self, from_s: float, until_s: float) -> None:
        for number in range(round((until_s - from_s) * 2) + 1):
            at_s = from_s + number / 2
            asked_ns = round(at_s * S) - 10 * MS
            self.add(driver.ContainersRead, at_s, "driver", asked_ns=asked_ns, closely=[NAME])

    def start(self, at_s: float) -> None:
        self.add(driver.EngineAction, at_s, "driver", container=NAME, action="start", detail="")


def under(fault: str) -> Sampled:
    """A story in which the fault is on from its begin to its end."""
    story = Sampled()
    story.state(10)
    story.samples(10, 10)
    story.state(BEGIN_S + 0.5, **UNDER.get(fault, {}))
    story.samples(BEGIN_S + 0.5, END_S - 0.5)
    return story


def receipt(fault: str, story: Sampled) -> Proof:
    lasts = fault != "restart"
    injected = InjectedFault(
        "f1", make(fault, PARAMS.get(fault, {})), (NAME,), planned_ns=round(BEGIN_S * S),
        called_ns=round(BEGIN_S * S) - 5 * MS, began_ns={NAME: round(BEGIN_S * S)},
        ended_ns={NAME: round(END_S * S) + 20 * MS} if lasts else {},
        end_called_ns=round(END_S * S) if lasts else None,
    )  # fmt: skip
    (proof,) = prove([injected], story.history(), [], container_samples(story.history(), [NAME]))
    return proof


@pytest.mark.parametrize("fault", ["pause", "unplug", "cpu", "memory"])
def test_samples_prove_a_fault_that_the_container_survives(fault: str) -> None:
    proof = receipt(fault, under(fault))
    assert proof.proved, proof.because
    assert proof.observers == ["engine"]


@pytest.mark.parametrize("fault", ["kill", "stop", "restart"])
def test_the_engines_start_proves_that_a_container_came_back(fault: str) -> None:
    story = under(fault)
    story.start((BEGIN_S if fault == "restart" else END_S) + 0.2)
    proof = receipt(fault, story)
    assert proof.proved, proof.because
    assert "journal" not in proof.because
    assert "word" not in proof.because


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_a_sample_that_runs_again_proves_it_too(fault: str) -> None:
    story = under(fault)
    story.state(END_S + 0.4)
    story.samples(END_S + 0.4, END_S + 0.4)
    assert receipt(fault, story).proved


@pytest.mark.parametrize("fault", ["kill", "stop", "restart"])
def test_without_a_start_it_is_not_proved(fault: str) -> None:
    proof = receipt(fault, under(fault))
    assert not proof.proved
    assert "no new life of it was seen" in proof.because


def test_a_pause_that_the_engine_did_not_see_is_not_proved() -> None:
    story = Sampled()
    story.state(10)
    story.samples(10, END_S)
    proof = receipt("pause", story)
    assert not proof.proved
    assert "the engine never called it paused" in proof.because
