"""An entry's process: its answer and log are kept, a stop reaches it, and its time is bounded."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from driver.answer import Answer, read_answer
from driver.cli.main import run as run_lab
from driver.errors import LabError
from driver.labs import lab_lock
from driver.paths import project_root
from driver.runs import fault_free
from driver.suite.child_process import ProcessExit, StopSignals, last_line, run_child
from driver.suite.commands import Flags, lab_command, scenario_command, scenario_result
from driver.suite.entry import EntryOutcome
from tests.waiting import eventually_in_thread

HEALED = Answer(exit_code=2, because="healed")

HEALS = """
import pathlib, signal, sys, time
def heal(*_):
    pathlib.Path(sys.argv[1]).write_text('{"exit_code": 2, "because": "healed"}'); sys.exit(2)
signal.signal(signal.SIGINT, heal)
print("running", file=sys.stderr, flush=True)
time.sleep(60)
"""


def child(code: str, log: Path, stop: StopSignals, limit_s: float = 30.0) -> ProcessExit:
    answer = log.with_suffix(".json")
    command = [sys.executable, "-c", code, str(answer)]
    return run_child(command, log, limit_s, stop, lambda line: None, log.parent, answer)


def test_all_that_an_entry_prints_is_its_log_and_its_answer_is_a_file(tmp_path: Path) -> None:
    log = tmp_path / "herd.log"
    code = (
        "import pathlib, sys; print('first\\nlast', flush=True); "
        """pathlib.Path(sys.argv[1]).write_text('{"exit_code": 1, "because": "so"}'); sys.exit(1)"""
    )
    ending = child(code, log, StopSignals(lambda line: None))
    assert (ending.code, ending.answer) == (1, Answer(exit_code=1, because="so"))
    assert (ending.tail, last_line(log)) == ("first\nlast\n", "last")


GOES_ON = """
import pathlib, sys
from driver.labs import lab_lock
lab_lock.LOCKS = pathlib.Path(sys.argv[1])
with lab_lock.inherited_lock("lab", int(sys.argv[2])):
    print("under it")
"""


def test_an_entry_goes_on_under_the_lock_that_the_suite_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setenv("PYTHONPATH", str(project_root()))
    log = tmp_path / "herd.log"
    with lab_lock.lab_lock("lab", "suite") as lock:
        command = [sys.executable, "-c", GOES_ON, str(lab_lock.LOCKS), str(lock)]
        ending = run_child(
            command, log, 30.0, StopSignals(lambda line: None), lambda line: None, tmp_path, passed=[lock]
        )
    assert (ending.code, ending.tail) == (0, "under it\n")


@pytest.mark.parametrize("left", ["", "{", "[[[[", '{"exit_code": "one"}'])
def test_half_an_answer_is_none(left: str, tmp_path: Path) -> None:
    code = f"import pathlib, sys; pathlib.Path(sys.argv[1]).write_text({left!r})"
    assert child(code, tmp_path / "herd.log", StopSignals(lambda line: None)).answer is None


def test_the_real_program_leaves_its_sentence_in_a_file(tmp_path: Path) -> None:
    log, answer = tmp_path / "herd.log", tmp_path / "answer.json"
    flags = Flags(True, True, "127.0.0.1", None, "suite-answers", 7, "WARNING", str(tmp_path / "results"))
    command = scenario_command(lab_command(), "thundering_heard", flags, answer, lock=7)
    ending = run_child(
        command, log, 60.0, StopSignals(lambda line: None), lambda line: None, tmp_path, answer
    )
    result = scenario_result("thundering_heard", ending, 1.0, log.name)
    assert (ending.code, result.outcome) == (64, EntryOutcome.inconclusive)
    assert result.because == "there is no scenario 'thundering_heard'."


def test_the_real_program_names_the_run_that_it_kept_though_the_lab_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = LabError("Toxiproxy did not answer.", "See its log.")
    error.kept = "20261124T021500Z-herd"

    async def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(fault_free, "run", broken)
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    answer = tmp_path / "answer.json"
    words = ["scenario", "thundering_herd", "--quick", "--replace", "--answer", str(answer)]
    assert run_lab(words) == 70
    assert read_answer(answer) == Answer(
        exit_code=70, because="Toxiproxy did not answer.", run="20261124T021500Z-herd"
    )


def test_a_stop_reaches_the_running_entry_which_heals(tmp_path: Path) -> None:
    log = tmp_path / "herd.log"
    said: list[str] = []
    with StopSignals(said.append) as stop:
        interrupter = threading.Thread(target=_interrupt_when_running, args=(log,))
        interrupter.start()
        ending = child(HEALS, log, stop)
        interrupter.join()
    assert (ending.code, ending.answer) == (2, HEALED)
    assert not ending.timed_out
    assert stop.asked()
    assert len(said) == 1


def test_an_entry_beyond_its_limit_is_stopped_as_by_ctrl_c(tmp_path: Path) -> None:
    ending = child(HEALS, tmp_path / "herd.log", StopSignals(lambda line: None), limit_s=2.0)
    assert ending.timed_out
    assert ending.answer == HEALED


def _interrupt_when_running(log: Path) -> None:
    eventually_in_thread(lambda: log.exists() and last_line(log) == "running", "a running entry")
    os.kill(os.getpid(), signal.SIGINT)
