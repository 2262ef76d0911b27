"""`load` gives a lab traffic: at its rate, under names of its own, until its time is over and all is done."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType
from typing import Any

import pytest

from driver.cli.load import command as load_command
from driver.engines.engine import LabSpec
from driver.errors import UsageError
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab
from driver.reference.manual_load import ManualLoad, default_workload
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from wire.control import CoordinatorState, SubmissionReply, TaskCounts, TaskSpec


class Coordinator:
    """Takes every task and has it done at once; does not answer some questions."""

    def __init__(self, silent: int = 0) -> None:
        self.names: list[str] = []
        self.before = 100
        self.silent = silent
        self.asked = 0

    async def __aenter__(self) -> Coordinator:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        self.names += [task.task_id for task in tasks]
        return SubmissionReply(accepted=len(tasks), known=0, refused=[])

    async def state(self) -> CoordinatorState:
        self.asked += 1
        if 1 < self.asked <= 1 + self.silent:
            raise CoordinatorError("The coordinator does not answer.")
        done = self.before + len(self.names)
        return CoordinatorState(1, 0, False, TaskCounts(done, done, 0, 0, 0), {}, [], {})


class FakeLab(Lab):
    """A lab of one coordinator in memory."""

    def __init__(self, coordinator: Coordinator) -> None:
        super().__init__(FakeEngine(), SPEC, FakeLinks())
        object.__setattr__(self, "asked", coordinator)

    def coordinator(self) -> Any:
        return self.__dict__["asked"]


async def loaded(coordinator: Coordinator, rate: str = "100/s", for_s: float = 0.5) -> Any:
    load = ManualLoad(FakeLab(coordinator), default_workload(rate), for_s, True, Terminal())
    return await load.run(seed=1)


async def test_it_submits_tasks_for_its_duration_and_waits_until_all_are_done() -> None:
    handed = await loaded(coordinator := Coordinator())
    assert handed.accepted == len(coordinator.names) > 20
    assert (handed.done, handed.failed, handed.left) == (handed.accepted, 0, 0)
    assert handed.lasted_s >= 0.45


async def test_no_two_loads_give_tasks_the_same_name() -> None:
    coordinator = Coordinator()
    await loaded(coordinator)
    await loaded(coordinator)
    assert len(set(coordinator.names)) == len(coordinator.names)


async def test_it_goes_on_while_the_coordinator_is_under_a_fault() -> None:
    handed = await loaded(Coordinator(silent=2))
    assert handed.done == handed.accepted > 20


@pytest.mark.parametrize("found", [None, replace(SPEC, control_token="another")])
async def test_it_ends_with_its_lab(found: LabSpec | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEngine, "existing_spec", lambda _: found)
    began = time.monotonic()
    handed = await loaded(coordinator := Coordinator(silent=1000), for_s=600.0)
    assert time.monotonic() - began < 30.0
    assert handed.accepted == len(coordinator.names)
    assert handed.done == 0


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ("20", "--rate 20: expected a rate with its unit, like 20/s or 30/m; found '20'"),
        ("0/s", "--rate 0/s: expected more than 0/s; found "),
        ("9e9/s", "--rate 9e9/s: expected at most 20000/s; found "),
    ],
)
def test_a_rate_that_cannot_be_is_refused(rate: str, message: str) -> None:
    with pytest.raises(UsageError, match="--rate") as refused:
        load_command.main(["--rate", rate], standalone_mode=False)
    assert message in refused.value.sentence
