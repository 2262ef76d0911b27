"""An entry's process: its answer and log are kept, a stop reaches it, and its time is bounded."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from driver.suite.child import Ending, Stop, last_line, run_child

HEALS = """
import signal, sys, time
def heal(*_):
    print('{"healed": true}'); sys.exit(2)
signal.signal(signal.SIGINT, heal)
print("running", file=sys.stderr, flush=True)
time.sleep(60)
"""


def child(code: str, log: Path, stop: Stop, limit_s: float = 30.0) -> Ending:
    return run_child([sys.executable, "-c", code], log, limit_s, stop, lambda line: None, log.parent)


def test_answer_and_log_are_kept_apart(tmp_path: Path) -> None:
    log = tmp_path / "herd.log"
    code = "import sys; print('answer'); print('first\\nlast', file=sys.stderr); sys.exit(1)"
    ending = child(code, log, Stop(lambda line: None))
    assert (ending.code, ending.answer) == (1, b"answer\n")
    assert last_line(log) == "last"


def test_what_gives_no_answer_has_all_it_prints_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "tests.log"
    command = [sys.executable, "-c", "print('9 passed')"]
    ending = run_child(
        command, log, 30.0, Stop(lambda line: None), lambda line: None, tmp_path, answers=False
    )
    assert (ending.answer, ending.tail, last_line(log)) == (b"", "9 passed\n", "9 passed")


def test_a_stop_reaches_the_running_entry_which_heals(tmp_path: Path) -> None:
    log = tmp_path / "herd.log"
    said: list[str] = []
    with Stop(said.append) as stop:
        interrupter = threading.Thread(target=_interrupt_when_running, args=(log,))
        interrupter.start()
        ending = child(HEALS, log, stop)
        interrupter.join()
    assert (ending.code, ending.answer) == (2, b'{"healed": true}\n')
    assert not ending.too_long
    assert stop.asked()
    assert len(said) == 1


def test_an_entry_beyond_its_limit_is_stopped_as_by_ctrl_c(tmp_path: Path) -> None:
    ending = child(HEALS, tmp_path / "herd.log", Stop(lambda line: None), limit_s=2.0)
    assert ending.too_long
    assert ending.answer == b'{"healed": true}\n'


def _interrupt_when_running(log: Path) -> None:
    deadline = time.monotonic() + 30
    while not (log.exists() and last_line(log) == "running") and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)
