"""Claims about a directory of test commands: which are run, beside which others, and what their ends mean."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from driver.histories.system_events import Operation
from driver.loads.catalogue import LoadError, check_loads, read_loads
from driver.loads.composer_template import plan_template, template_commands
from tests.driver.loads.one_load import Addresses, Record, group


def template(folder: Path, **commands: str) -> Path:
    """A directory with a shell script for each command."""
    for name, script in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


async def ran(folder: Path, duration_s: float = 3.0, **more: Any) -> Record:
    record = Record()
    load = {"composer": ".", "rate": "20/s", "timeout": "20s", **more}
    loads = group(record, load, Addresses(), folder, duration_s=duration_s)
    await loads.run()
    await loads.after()
    return record


def overlaps(operations: Sequence[Operation], one: str, other: str) -> bool:
    """Whether a command of one kind ran while another of the other kind did."""
    return any(
        a.call_ns < b.return_ns and b.call_ns < a.return_ns
        for a in operations
        for b in operations
        if a is not b and a.op == one and b.op == other
    )


async def test_commands_run_beside_each_other_as_their_kinds_allow(tmp_path: Path) -> None:
    template(
        tmp_path,
        first_setup="touch ready",
        parallel_driver_put="test -e ready && sleep 0.3",
        serial_driver_compact="sleep 0.2",
        anytime_health="sleep 0.1",
        eventually_agree="exit 0",
        finally_count="exit 0",
        helper_lib="exit 9",
    )
    record = await ran(tmp_path, duration_s=6.0)
    operations = sorted(record.operations(), key=lambda one: one.call_ns)
    assert record.trouble() == ""
    assert {one.outcome for one in operations} == {"ok"}
    assert [one.op for one in operations].count("first") == 1
    assert [one.op for one in operations[-2:]] == ["finally", "eventually"]
    assert max(one.return_ns for one in operations[:-2]) <= operations[-2].call_ns
    assert all(operations[0].return_ns <= one.call_ns for one in operations[1:])
    assert overlaps(operations, "parallel_driver", "parallel_driver")
    assert overlaps(operations, "parallel_driver", "anytime")
    assert not overlaps(operations, "serial_driver", "parallel_driver")
    assert not overlaps(operations, "serial_driver", "serial_driver")
    assert not [one for one in operations if one.key.startswith("helper")]
    assert len({one.key for one in operations}) == len(operations)


async def test_no_more_parallel_drivers_run_than_are_allowed(tmp_path: Path) -> None:
    template(tmp_path, parallel_driver_slow="sleep 0.3")
    operations = (await ran(tmp_path, parallel=1)).operations()
    assert len(operations) > 1
    assert not overlaps(operations, "parallel_driver", "parallel_driver")


async def test_a_singleton_is_the_only_driver_and_runs_once(tmp_path: Path) -> None:
    template(tmp_path, singleton_driver_it="sleep 0.5", anytime_health="sleep 0.1")
    operations = (await ran(tmp_path)).operations()
    assert [one.op for one in operations].count("singleton_driver") == 1
    assert overlaps(operations, "singleton_driver", "anytime")


async def test_an_exit_code_is_the_outcome_with_the_command_s_last_words(tmp_path: Path) -> None:
    template(tmp_path, singleton_driver_it="echo lost 3 rows; exit 7", finally_count="kill -9 $$")
    driver, final = (await ran(tmp_path)).operations()
    assert (driver.outcome, driver.value, driver.key) == ("fail", 7, "singleton_driver_it#1")
    assert driver.detail.startswith("singleton_driver_it ended with exit 7")
    assert (final.outcome, final.value) == ("unknown", None)
    assert "lost 3 rows" in (tmp_path / "load.log").read_text()


async def test_after_a_driver_that_was_ended_eventually_runs_and_finally_does_not(tmp_path: Path) -> None:
    template(
        tmp_path,
        singleton_driver_it="sleep 300",
        eventually_agree="exit 0",
        finally_count="touch finally-ran",
    )
    driver, final, eventually = (await ran(tmp_path, duration_s=1.0, timeout="1s")).operations()
    assert (driver.outcome, driver.detail) == ("unknown", "singleton_driver_it was ended")
    assert (final.outcome, final.op) == ("unknown", "finally")
    assert "not run" in final.detail
    assert (eventually.outcome, eventually.op) == ("ok", "eventually")
    assert not (tmp_path / "finally-ran").exists()


async def test_nothing_runs_after_a_first_command_that_failed(tmp_path: Path) -> None:
    template(tmp_path, first_setup="exit 1", parallel_driver_put="exit 0")
    record = await ran(tmp_path)
    assert [one.op for one in record.operations()] == ["first"]
    assert record.trouble() == "first_setup did not end with 0: no other command was run"


def test_one_first_command_and_one_singleton_or_the_other_drivers_are_drawn() -> None:
    names = ("first_a", "first_b", "singleton_driver_c", "parallel_driver_d", "serial_driver_e", "anytime_f")
    commands = template_commands(dict.fromkeys(names, True))
    plans = [plan_template(commands, random.Random(seed)) for seed in range(50)]
    assert {plan.first.name for plan in plans if plan.first} == {"first_a", "first_b"}
    drawn = {(plan.singleton.name if plan.singleton else "", len(plan.drivers)) for plan in plans}
    assert drawn == {("singleton_driver_c", 0), ("", 2)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "expected at least one command of parallel_driver_…"),
        ({"finally_a": True, "first_b": True}, "expected at least one command"),
        ({"parallel_driver_a": False}, "expected 'parallel_driver_a' to be executable: chmod +x"),
        ({"paralel_driver_a": True}, "expected 'paralel_driver_a' to begin with first_,"),
        ({f"anytime_{n}": True for n in range(300)}, "expected at most 200 commands; found 300"),
    ],
)
def test_a_directory_that_is_no_template_is_refused(files: dict[str, bool], said: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        template_commands(files)
    assert said in str(error.value)


def test_files_that_are_no_commands_are_left_alone() -> None:
    files = {"anytime_a": True, "helper_lib.py": True, "README.md": False}
    assert [one.name for one in template_commands(files)] == ["anytime_a"]


def test_a_directory_that_is_not_there_is_refused_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"expected a directory of test commands; .*absent: No such file"):
        check_loads(read_loads({"composer": "absent"}), tmp_path)
