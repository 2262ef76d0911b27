"""Claims about what a run waits for on a foreign system, before the faults and after the heal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driver.errors import NotReadyError, RunAbortedError
from driver.histories.driver_journal import DriverJournal
from driver.labs.toxiproxy_api import LinkState
from driver.observations.observer import Observer
from driver.runs import system_activity
from driver.runs.phase import PhaseEnd
from driver.runs.run_subject import RunContext, RunProgress
from driver.runs.system_activity import SystemActivity
from driver.scenarios.plan import Plan
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.systems.system_site import SystemSite
from driver.terminal import Terminal
from tests.driver.scenario.test_system_scenarios import HEAD, SYSTEM
from tests.waiting import eventually, forever

LINK = SYSTEM.links[0]


@dataclass
class Site:
    """A system whose containers and links are as each test says."""

    degraded: dict[str, list[str]] = field(default_factory=dict)
    accepted: list[int] = field(default_factory=lambda: [1])

    @property
    def engine(self) -> Any:
        return SimpleNamespace(degradations=lambda: self.degraded)

    @property
    def links(self) -> Any:
        return SimpleNamespace(states=self._states)

    def _states(self) -> list[LinkState]:
        accepted = self.accepted.pop(0) if len(self.accepted) > 1 else self.accepted[0]
        return [LinkState(LINK, "", "", True, 1, accepted, 0, 100, [], [])]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK_EVERY_S", 0.01), ("QUIET_S", 0.05), ("READY_GRACE_S", 0.1)):
        monkeypatch.setattr(system_activity, name, seconds)


def plan(more: str = "") -> Plan:
    return resolve(parse_scenario(HEAD + more, "x"), 1, SYSTEM)


def activity(
    site: Site, folder: Path, of: Plan | None = None, observer: object = None, may_abort: bool = True
) -> SystemActivity:
    progress = RunProgress(may_abort=may_abort)
    context = RunContext(folder, DriverJournal(folder), time.monotonic_ns(), list, progress)
    return SystemActivity(
        of or plan(), cast(SystemSite, site), context, Terminal(), None, cast(Observer | None, observer)
    )


async def test_a_container_that_is_not_as_it_was_made_keeps_the_first_fault_from_beginning(
    tmp_path: Path,
) -> None:
    with pytest.raises(NotReadyError, match=r"before the first fault: db\[1\] \(exited\)"):
        await activity(Site({"db[1]": ["exited"]}), tmp_path).wait_ready(time.monotonic_ns())


async def test_a_steady_system_is_ready_when_the_warm_up_is_over(tmp_path: Path) -> None:
    due_ns = time.monotonic_ns() + 50_000_000
    assert await activity(Site(), tmp_path).wait_ready(due_ns) == 0.0
    assert time.monotonic_ns() >= due_ns


async def test_a_system_whose_link_is_dialled_in_vain_has_not_converged(tmp_path: Path) -> None:
    end = PhaseEnd()
    await activity(Site(accepted=list(range(1, 200))), tmp_path).wait_converged(0.1, end)
    assert (end.outcome, end.detail) == ("failed", f"after 0 s not as before: {LINK}")


async def test_a_system_that_is_as_before_has_converged(tmp_path: Path) -> None:
    end = PhaseEnd()
    await activity(Site(), tmp_path).wait_converged(5.0, end)
    assert end.outcome == "done"


class Readings:
    """An observer whose only number is above every bound."""

    def numbers(self, now_s: float) -> dict[str, float | None]:
        return {"queue": 9000.0}

    def read_at_s(self) -> dict[str, float]:
        return {"queue": time.monotonic()}


@pytest.mark.parametrize("may_abort", [True, False])
async def test_a_reading_beyond_its_bound_ends_the_run_only_while_it_may(
    tmp_path: Path, may_abort: bool
) -> None:
    observed = "observe: {queue: {redis: 'redis://redis:6379', command: [LLEN, q]}}\n"
    more = f"{observed}abort_when: ['queue > 5 for 20ms']\n"
    running = activity(Site(), tmp_path, plan(more), may_abort=may_abort)
    if may_abort:
        with pytest.raises(RunAbortedError, match="the reading of queue was 9,000"):
            await running._abort(cast(Observer, Readings()))
    else:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running._abort(cast(Observer, Readings())), 0.2)


class Following:
    """An observer that reads until its task is cancelled."""

    def __init__(self) -> None:
        self.is_reading = False
        self.was_reading_at_last: bool | None = None

    def numbers(self, now_s: float) -> dict[str, float | None]:
        return {}

    def read_at_s(self) -> dict[str, float]:
        return {}

    async def read_first(self, within_s: float) -> None: ...

    async def follow(self) -> None:
        self.is_reading = True
        try:
            await forever()
        finally:
            self.is_reading = False

    def end(self) -> None:
        """Do nothing: it is not followed."""

    async def read_last(self, within_s: float) -> None:
        self.was_reading_at_last = self.is_reading


async def test_nothing_is_read_at_an_interval_during_the_last_readings(tmp_path: Path) -> None:
    observer = Following()
    running = activity(Site(), tmp_path, observer=observer)
    running._is_read.set()
    following = asyncio.create_task(running._follow(cast(Observer, observer)))
    await eventually(lambda: observer.is_reading, "it follows")
    running._load_over.set()
    await running.wait_drained(1.0, PhaseEnd())
    assert observer.was_reading_at_last is False
    assert not following.done(), "the run's own conditions still apply"
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


class Table:
    """An observer of one table, which has `rows` at each look."""

    def __init__(self, *rows: int) -> None:
        self.rows = list(rows)
        self.last_read = False

    async def current(self) -> dict[str, object]:
        rows = self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]
        return {"stored": [(("id",), [[number] for number in range(rows)])]}

    def end(self) -> None:
        """Do nothing: it is not followed."""

    async def read_last(self, within_s: float) -> None:
        self.last_read = True


SETTLE = "settle: 50ms\nexpect: ['no stored.id twice']\n"


async def _drain(folder: Path, table: Table, more: str, within_s: float) -> None:
    """Wait for the last reading of a run that has a minute to settle."""
    observed = "observe: {stored: {sql: 'postgresql://db:5432/x', query: SELECT id FROM stored}}\n"
    running = activity(Site(), folder, plan(observed + more), table)
    running._load_over.set()
    running._settled_by_s = time.monotonic() + 60.0
    await asyncio.wait_for(running.wait_drained(60.0, PhaseEnd()), within_s)


async def test_a_system_that_has_settled_is_read_before_its_time_is_over(tmp_path: Path) -> None:
    table = Table(1, 2, 3)
    await _drain(tmp_path, table, SETTLE, 20.0)
    assert table.last_read


@pytest.mark.parametrize(
    ("rows", "more"),
    [(range(3, 4), ""), (range(1), SETTLE), (range(1, 10_000), SETTLE)],
    ids=["no `settle`", "an open expectation", "rows that go on to come"],
)
async def test_what_has_not_settled_is_waited_for(tmp_path: Path, rows: range, more: str) -> None:
    table = Table(*rows)
    with pytest.raises(TimeoutError):
        await _drain(tmp_path, table, more, 0.4)
    assert not table.last_read


async def test_rows_are_watched_from_when_the_system_is_as_before(tmp_path: Path) -> None:
    observed = "observe: {stored: {sql: 'postgresql://db:5432/x', query: SELECT id FROM stored}}\n"
    running = activity(Site(), tmp_path, plan(observed + SETTLE), Table(3))
    await running.wait_converged(20.0, PhaseEnd())
    assert running._unchanged.look(await Table(3).current(), time.monotonic()) > 0.0  # type: ignore[arg-type]


async def test_rows_of_a_system_that_is_not_as_before_are_not_watched(tmp_path: Path) -> None:
    observed = "observe: {stored: {sql: 'postgresql://db:5432/x', query: SELECT id FROM stored}}\n"
    running = activity(Site(accepted=list(range(1, 200))), tmp_path, plan(observed + SETTLE), Table(3))
    await running.wait_converged(0.1, PhaseEnd())
    assert running._unchanged.look(await Table(3).current(), time.monotonic()) == 0.0  # type: ignore[arg-type]
