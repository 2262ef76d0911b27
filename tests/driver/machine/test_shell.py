import time

import pytest

from driver.machine.shell import MachineError, run
from driver.subprocesses import ask


def test_a_failing_step_shows_its_last_lines() -> None:
    with pytest.raises(MachineError, match=r"(?s)building failed.*ended with 3.*no space left"):
        run(["sh", "-c", "echo no space left >&2; exit 3"], lambda _: None, "building", 30)


def test_a_step_is_stopped_at_its_limit() -> None:
    began = time.monotonic()
    with pytest.raises(MachineError, match="waiting took longer than"):
        run(["sleep", "60"], lambda _: None, "waiting", 0.1)
    assert time.monotonic() - began < 30


def test_a_long_step_is_never_silent() -> None:
    said: list[str] = []
    run(["sh", "-c", "echo unpacking; sleep 0.5"], said.append, "installing", 30, heartbeat_s=0.05)
    assert any("still installing" in line and "unpacking" in line for line in said)


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(MachineError, match="cannot run `no-such-program`"):
        run(["no-such-program"], lambda _: None, "looking", 5)


def test_a_question_never_raises() -> None:
    assert ask(["no-such-program"]).code is None
    assert ask(["sleep", "60"], timeout_s=0.1).code is None
    assert not ask(["false"]).ok
