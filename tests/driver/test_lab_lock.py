"""One command at a time changes a lab: another is refused by name; a killed one releases it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driver.errors import ContainerGoneError, LabError, LabInUseError, UsageError
from driver.exit_codes import ExitCode
from driver.labs import lab_lock as module
from driver.labs.lab_lock import (
    inherited_lock,
    lab_lock,
    lock_holders,
    reading_unlocked,
    stop_lock_holders,
    try_lab_lock,
)

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import sys, time
from pathlib import Path
from driver.labs import lab_lock as module
module.LOCKS = Path(sys.argv[1])
with module.lab_lock("lab", *sys.argv[2].split(), shared=sys.argv[3] == "shared"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "locks"
    monkeypatch.setattr(module, "LOCKS", folder)
    return folder


@contextmanager
def another_process(folder: Path, words: str, shared: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A command that holds the lab `lab`."""
    argv = [sys.executable, "-c", HOLDS, str(folder), words, "shared" if shared else "alone"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_command_is_refused_by_the_name_of_the_first(own_folder: Path) -> None:
    with another_process(own_folder, "scenario slow_link") as first:
        with pytest.raises(LabInUseError) as refused, lab_lock("lab", "up", wait_s=0.1):
            pass
        holder = f"`scenario slow_link` (pid {first.pid}, begun "
        assert f"`up` cannot use the lab 'lab' now: it is in use by {holder}" in refused.value.sentence
        assert "python lab.py down --force --project lab" in refused.value.hint
        assert refused.value.exit_code is ExitCode.WRONG_USE


def test_a_system_that_is_in_use_is_taken_down_by_its_file(own_folder: Path) -> None:
    with another_process(own_folder, "up --system /shop/compose.yaml"):
        for words in (("up", "--system", "/shop/compose.yaml"), ("try", "/shop/compose.yaml"), ("down",)):
            with pytest.raises(LabInUseError) as refused, lab_lock("lab", *words, wait_s=0.1):
                pass
            assert refused.value.hint.endswith("python lab.py down --force --system /shop/compose.yaml")


def test_force_leaves_the_removal_of_a_system_alone(own_folder: Path) -> None:
    said: list[str] = []
    with another_process(own_folder, "down --system /shop/compose.yaml") as first:
        threading.Timer(0.5, first.kill).start()
        stop_lock_holders("lab", said.append)
        assert first.wait(10) == -signal.SIGKILL
    assert said == []


def test_the_kernel_frees_the_lock_of_a_command_that_was_killed(own_folder: Path) -> None:
    with another_process(own_folder, "up") as first:
        first.kill()
        first.wait(10)
        assert lock_holders("lab") == []
        with lab_lock("lab", "down"):
            assert [one.words for one in lock_holders("lab")] == [["down"]]
    assert list(own_folder.glob("*.json")) == []


def test_labs_of_other_names_are_free(own_folder: Path) -> None:
    with another_process(own_folder, "up"), lab_lock("lab-2", "up"):
        assert [one.words for one in lock_holders("lab-2")] == [["up"]]


def test_faults_by_hand_share_a_lab_and_keep_others_out(own_folder: Path) -> None:
    with another_process(own_folder, "inject pause", shared=True):
        with lab_lock("lab", "inject", "cut", shared=True):
            assert [one.words[1] for one in lock_holders("lab")] == ["pause", "cut"]
        with pytest.raises(LabInUseError, match="inject pause"), lab_lock("lab", "down", wait_s=0.1):
            pass


def test_no_fault_by_hand_joins_a_command_that_holds_the_lab_alone(own_folder: Path) -> None:
    with (
        another_process(own_folder, "scenario slow_link"),
        pytest.raises(LabInUseError, match="`inject cut` cannot use the lab"),
        lab_lock("lab", "inject", "cut", shared=True, wait_s=0.1),
    ):
        pass


def test_a_command_waits_for_a_lab_that_is_being_taken_down(own_folder: Path) -> None:
    said: list[str] = []
    with another_process(own_folder, "down") as first:
        threading.Timer(1.5, first.kill).start()
        with lab_lock("lab", "up", say=said.append):
            assert first.poll() is not None
    assert len(said) == 1
    assert said[0].startswith("Waiting for `down` (pid ")


def test_down_with_force_stops_the_holders_and_waits_for_them(own_folder: Path) -> None:
    said: list[str] = []
    with another_process(own_folder, "inject pause", shared=True) as first:
        stop_lock_holders("lab", said.append)
        assert first.wait(10) == -signal.SIGTERM
    assert said[0].startswith("Stopping `inject pause` (pid ")


def test_a_process_of_another_container_is_never_signalled(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_process(own_folder, "up") as first:
        monkeypatch.setattr(module, "_namespace", lambda: "pid:[1]")
        with pytest.raises(LabError, match="in another container of this machine"):
            stop_lock_holders("lab", print)
        assert first.poll() is None


def test_a_child_goes_on_under_the_lock_that_it_was_passed(own_folder: Path) -> None:
    with lab_lock("lab", "suite") as lock:
        passed = os.dup(lock)
        with inherited_lock("lab", passed), try_lab_lock("lab") as is_free:
            assert not is_free
        with (
            pytest.raises(LabError, match="is not the held lock of the lab 'other'"),
            inherited_lock("other", passed),
        ):
            pass
        os.close(passed)


def test_a_look_that_fails_while_a_command_changes_the_lab_names_the_command(own_folder: Path) -> None:
    with (
        another_process(own_folder, "down"),
        pytest.raises(LabInUseError) as refused,
        reading_unlocked("lab"),
    ):
        raise ContainerGoneError("There is no container worker-1.")
    assert "There is no container worker-1. The lab 'lab' is in use by `down`" in refused.value.sentence


@pytest.mark.parametrize(
    ("words", "kind"), [("up --workers 3", LabInUseError), ("inject refuse", UsageError)]
)
def test_a_target_that_is_not_there_yet_is_blamed_on_the_command_that_makes_it(
    own_folder: Path, words: str, kind: type[UsageError]
) -> None:
    with another_process(own_folder, words), pytest.raises(UsageError) as refused, reading_unlocked("lab"):
        raise UsageError("There are 0 workers.")
    assert type(refused.value) is kind


def test_a_look_that_fails_on_a_free_lab_keeps_its_own_reason(own_folder: Path) -> None:
    own_folder.mkdir()
    with pytest.raises(ContainerGoneError), reading_unlocked("lab"):
        raise ContainerGoneError("There is no container worker-1.")


def test_every_user_of_the_machine_can_use_the_locks(own_folder: Path) -> None:
    before = os.umask(0o077)
    try:
        with lab_lock("lab", "up"):
            modes = {path.suffix: path.stat().st_mode & 0o777 for path in own_folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == {".lock": 0o644, ".json": 0o644}
    assert own_folder.stat().st_mode & 0o7777 == 0o1777


def test_a_held_lock_says_how_long_it_is_held(own_folder: Path) -> None:
    with lab_lock("lab", "up"):
        (holder,) = lock_holders("lab")
    expected = f"`up` (pid {os.getpid()}, begun 12s ago)"
    assert holder.described(holder.since_wall_s + 12.3) == expected
