"""The load of a run ends early once nothing that is expected is open, and else at its planned end."""

from __future__ import annotations

import time
from pathlib import Path

from driver.runs.load_end import LoadEnd
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario
from tests.driver.judge.histories import Past
from tests.driver.judge.test_open_questions import HEALED_S, cut_once

SCENARIO = """# One round.
workers: 3
duration: 60s
least_cooldown: 2s
workload: {rate: 10/s, kinds: [{kind: noop}]}
timeline:
  - {id: herd, fault: refuse, targets: all, at: 10s, for: 5s}
expect: ["within 10s of heal: connected >= 95% for 2s"]
"""
WAIT_NS = 300_000_000


async def is_early(past: Past, tmp_path: Path, *, answered: bool = True) -> tuple[bool, float]:
    """Whether a load that may end now and must end soon ended early, and how much of the wait was left."""
    (tmp_path / "one.yaml").write_text(SCENARIO)
    plan = resolve(load_scenario(tmp_path / "one.yaml"), 1)
    folder = past.write(tmp_path / "20261124T021500Z-one")
    now_ns = time.monotonic_ns()
    early = await LoadEnd(plan, folder, past.workers).is_early(now_ns, now_ns + WAIT_NS, lambda _: answered)
    return early, (now_ns + WAIT_NS - time.monotonic_ns()) / WAIT_NS


async def test_once_everything_is_decided_it_ends(tmp_path: Path) -> None:
    early, left = await is_early(cut_once(HEALED_S + 4), tmp_path)
    assert early
    assert left > 0


async def test_while_something_is_open_it_lasts_to_its_planned_end(tmp_path: Path) -> None:
    early, left = await is_early(cut_once(HEALED_S + 1), tmp_path)
    assert not early
    assert left <= 0


async def test_while_load_that_was_due_is_not_answered_it_goes_on(tmp_path: Path) -> None:
    assert not (await is_early(cut_once(HEALED_S + 4), tmp_path, answered=False))[0]
