"""Starts and removals of a system behind doors leave nothing, also where a command is killed."""

from __future__ import annotations

from pathlib import Path

from driver.systems.system_request import project_of
from tests.system_rounds import DOWN, drawn, left_of, run, run_rounds, system_file, taken_addresses

SEED, ROUNDS = 3, 3


def test_nothing_is_left_of_rounds_in_which_commands_are_killed(tmp_path: Path) -> None:
    file = system_file(tmp_path)
    before = taken_addresses(project_of(file))
    try:
        for found in run_rounds(file, drawn(SEED, ROUNDS)):
            print(found)
    finally:
        run(file, DOWN)
    assert left_of(file) == []
    assert taken_addresses(project_of(file)) <= before
