"""Two commands at once on one lab: one of them is refused by name, or waits; neither breaks the other."""

from __future__ import annotations

import json
import signal
import subprocess

from driver.labs.lab_lock import lock_holders
from tests.e2e.conftest import LIMIT_S, CommandLine
from tests.two_terminals import CHANGES, DOWN_FORCE, UP_2, UP_3, drawn, run_pairs
from tests.waiting import eventually_in_thread

SEED, PAIRS = 8, 2


def test_pairs_that_a_seed_draws_leave_a_lab_that_status_describes_truly(lab: CommandLine) -> None:
    for found in run_pairs(lab, list(drawn(SEED, PAIRS, CHANGES, killed_share=0.0))):
        print(found)
    assert lab("down").returncode == 0
    assert lab.leftovers() == []


def test_a_second_up_is_refused_and_the_first_comes_up(lab: CommandLine) -> None:
    first = up_that_is_halted(lab)
    second = lab(*UP_3)
    first.send_signal(signal.SIGCONT)
    said, _ = first.communicate(timeout=LIMIT_S)
    assert (second.returncode, first.returncode) == (64, 0), second.stderr + said
    assert f"is in use by `up` (pid {first.pid}, begun " in second.stderr
    assert len(json.loads(lab("status", "--json").stdout)["links"]) == 2


def test_down_with_force_ends_an_up_and_leaves_nothing(lab: CommandLine) -> None:
    first = up_that_is_halted(lab)
    forced = lab.started(*DOWN_FORCE)
    assert forced.stdout is not None
    assert forced.stdout.readline().startswith(f"Stopping `up` (pid {first.pid}")
    first.send_signal(signal.SIGCONT)
    assert (first.wait(LIMIT_S), forced.wait(LIMIT_S)) == (2, 0)
    assert lab.leftovers() == []


def up_that_is_halted(lab: CommandLine) -> subprocess.Popen[str]:
    """An `up` that holds the lab and has made a part of it, and continues on request."""
    process = lab.started(*UP_2)

    def holds_a_part() -> bool:
        assert process.poll() is None
        return bool(lock_holders(lab.project) and lab.leftovers())

    eventually_in_thread(holds_a_part, "a lab that is held and made in part", LIMIT_S)
    process.send_signal(signal.SIGSTOP)
    return process
