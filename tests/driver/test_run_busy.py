"""A lab that did not come up in time is broken, unless the machine was too busy for any lab to."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import EngineError, EngineGoneError, LabError, NotReadyError, PortInUseError
from driver.histories.journals import JOURNALS
from driver.labs.machine_monitor import MachineMonitor
from driver.reference.run_subject import ReferenceSubject
from driver.runs.run_phases import RunPhases
from driver.runs.run_request import RunRequest
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.driver.fakes import FakeEngine, events_in

HERD = Path(__file__).parents[1] / "e2e" / "short_herd.yaml"
BUSY = "this machine was too busy: 24 processes wanted to run on 2 cores over 10 s"


class Measured(MachineMonitor):
    """A machine that is as busy as a test says."""

    said = ""

    def busy(self, since_ns: int = 0) -> str:
        return self.said

    async def run(self) -> None:
        return


class Broken(RunPhases):
    """A run whose lab does not come up."""

    def __init__(self, folder: Path, error: LabError, busy: str) -> None:
        loaded = load_scenario(HERD)
        plan, terminal = resolve(loaded, 7), Terminal()
        request = RunRequest(plan, resolved_yaml(loaded), folder)
        super().__init__(request, ReferenceSubject(plan, FakeEngine(), terminal), folder, terminal)
        self._machine = Measured(self._journal.write)
        self._machine.said = busy
        self._error = error

    async def _phases(self) -> None:
        raise self._error


LATE = NotReadyError("No answer after 120 s: coordinator.")


async def test_what_was_not_ready_in_time_is_a_broken_lab(tmp_path: Path) -> None:
    assert await Broken(tmp_path, LATE, busy="").execute() is LATE


async def test_on_a_machine_that_was_too_busy_it_is_inconclusive_with_the_figure(tmp_path: Path) -> None:
    assert await Broken(tmp_path, LATE, busy=BUSY).execute() is None
    (trouble,) = (one for one in events_in(tmp_path / JOURNALS) if one["event"] == "trouble")
    assert trouble["what"] == "machine_busy"
    assert trouble["detail"] == f"{BUSY}. {LATE.sentence}"


NO_MATTER_OF_TIME = (
    EngineGoneError("No engine answers."),
    EngineError("No such image."),
    PortInUseError("Port 1 is taken."),
)


@pytest.mark.parametrize("error", NO_MATTER_OF_TIME, ids=lambda error: type(error).__name__)
async def test_what_no_quiet_machine_would_mend_stays_what_it_is(tmp_path: Path, error: LabError) -> None:
    assert await Broken(tmp_path, error, busy=BUSY).execute() is error
