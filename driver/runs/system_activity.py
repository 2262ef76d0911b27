"""What goes on in a foreign system during a run: loads and observations, steady state, recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from chaos.actuator import name_list
from driver.errors import EngineError, LinksError, NotReadyError, RunAbortedError
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.labs.toxiproxy_api import LinkState
from driver.loads.catalogue import read_loads
from driver.loads.load_group import LoadGroup
from driver.observations.catalogue import read_observation
from driver.observations.observation import ReadingContext
from driver.observations.observer import Observer
from driver.results.run_folder import LOGS
from driver.runs.early_claims import refuse_claims
from driver.runs.own_journals import own_journal_of
from driver.runs.phase import PhaseEnd
from driver.runs.run_subject import RunContext
from driver.runs.settle import UnchangedReadings, open_in
from driver.runs.unanswered_dials import UnansweredDials
from driver.scenarios.abort_when import HeldRules, parse_abort
from driver.scenarios.plan import Plan
from driver.scenarios.thresholds import parse_expectations
from driver.systems.system_kinds import access_to
from driver.systems.system_site import SystemSite
from driver.terminal import Terminal

LOOK_EVERY_S = 0.5
READY_GRACE_S = 30.0
QUIET_S = 2.0
"""How long the links are watched before they count as recovered."""
LAST_READING_S = 15.0
"""How long a last reading that fails is tried again."""


@asynccontextmanager
async def system_activity(
    plan: Plan, site: SystemSite, context: RunContext, terminal: Terminal
) -> AsyncIterator[SystemActivity]:
    """Yield the activity of a system that is up; the journals of its loads and observations end with it."""
    assert plan.system is not None, "the plan has a foreign system"
    access, home = access_to(site.running), Path(plan.system.home)
    loads = observer = None
    with ExitStack() as stack:
        if plan.system.workload:
            loads = LoadGroup(
                read_loads(plan.system.workload),
                access,
                stack.enter_context(own_journal_of(context.folder, LOAD)).write,
                context.folder / LOGS,
                home,
                zero_ns=context.zero_ns,
                duration_s=plan.duration_s,
                seed=plan.seed,
            )
            stack.callback(loads.close)
        if plan.system.observe:
            observations = {name: read_observation(one) for name, one in plan.system.observe.items()}
            journal = stack.enter_context(own_journal_of(context.folder, OBSERVER))
            observer = Observer(observations, ReadingContext(access, home), journal.write)
        yield SystemActivity(plan, site, context, terminal, loads, observer)


class SystemActivity:
    """Implements `run_subject.RunActivity` for a system that is up, with its loads and observations."""

    def __init__(
        self,
        plan: Plan,
        site: SystemSite,
        context: RunContext,
        terminal: Terminal,
        loads: LoadGroup | None,
        observer: Observer | None,
    ) -> None:
        self._plan = plan
        self._site = site
        self._context = context
        self._terminal = terminal
        self._loads = loads
        self._observer = observer
        self._load_over = asyncio.Event()
        self._is_read = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._settled_by_s = 0.0
        self._settle_s = plan.system.settle_s if plan.system is not None else None
        self._expected = parse_expectations(plan.expect, on_system=True)
        self._unchanged = UnchangedReadings(self._expected)

    def work(self) -> Sequence[Coroutine[object, object, None]]:
        more = [self._follow(self._observer)] if self._observer is not None else []
        return [self._show(), self._site.follow_links(), self._load(), *more]

    async def _show(self) -> None:
        while True:
            self._terminal.show(self._context.progress.view(self._context.faults()))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _load(self) -> None:
        if self._loads is not None:
            await self._loads.run()
        self._load_over.set()

    async def _follow(self, observer: Observer) -> None:
        """Read the observations once each has been read, and apply the run's own conditions to them."""
        await self._is_read.wait()
        async with asyncio.TaskGroup() as group:
            self._reading = group.create_task(observer.follow())
            group.create_task(self._abort(observer))

    async def _abort(self, observer: Observer) -> None:
        names = self._plan.system.observe if self._plan.system is not None else {}
        held = HeldRules([parse_abort(text, names) for text in self._plan.abort_when])
        while True:
            now_s = time.monotonic()
            because = held.look(now_s, observer.numbers(now_s), observer.read_at_s())
            if because and self._context.progress.may_abort:
                raise RunAbortedError(because)
            await asyncio.sleep(LOOK_EVERY_S)

    async def wait_ready(self, due_ns: int) -> float:
        """Wait until every container runs and is healthy, each load was answered, and all is observed.

        Raises LabError for what is not, before any fault.
        """
        deadline_ns = due_ns + round(READY_GRACE_S * 1e9)
        while True:
            degraded = await self._degraded()
            if not degraded:
                break
            if time.monotonic_ns() > deadline_ns:
                raise NotReadyError(
                    f"No steady state before the first fault: {name_list(degraded)}.",
                    "See the run's logs/ folder.",
                )
            await asyncio.sleep(LOOK_EVERY_S)
        left_s = (deadline_ns - time.monotonic_ns()) / 1e9
        if self._loads is not None:
            await self._loads.wait_ok(left_s)
        if self._observer is not None:
            await self._observer.read_first(READY_GRACE_S)
            self._is_read.set()
        await asyncio.to_thread(refuse_claims, self._context.folder, self._plan.expect)
        now_ns = time.monotonic_ns()
        await asyncio.sleep(max(0.0, (due_ns - now_ns) / 1e9))
        return max(0.0, (now_ns - due_ns) / 1e9)

    async def wait_load_over(self, measured_until_ns: int | None, end_ns: int) -> None:
        """Wait until `end_ns`. Loads of one's own last to their planned end: what they do may be outside."""
        await asyncio.sleep(max(0.0, (end_ns - time.monotonic_ns()) / 1e9))

    async def wait_converged(self, within_s: float, end: PhaseEnd) -> None:
        """Wait until every container runs as before the faults, and no client dials a link in vain."""
        self._settled_by_s = deadline_s = time.monotonic() + within_s
        dials = UnansweredDials()
        while True:
            degraded = await self._degraded()
            waiting = dials.look(await self._link_states(), time.monotonic())
            if degraded or waiting:
                self._unchanged = UnchangedReadings(self._expected)
            elif dials.watched_s(time.monotonic()) >= QUIET_S:
                return
            elif self._observer is not None and self._settle_s is not None:
                self._unchanged.look(await self._observer.current(), time.monotonic())
            if time.monotonic() > deadline_s:
                end.outcome = "failed"
                end.detail = f"after {within_s:.0f} s not as before: {name_list([*degraded, *waiting])}"
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def wait_drained(self, within_s: float, end: PhaseEnd) -> None:
        """Wait until the loads are over, and read the system's last state once it has settled, or its time to
        settle is over.
        """
        try:
            await asyncio.wait_for(self._load_over.wait(), within_s)
        except TimeoutError:
            end.outcome, end.detail = "failed", f"after {within_s:.0f} s the load had not ended"
        if self._loads is not None:
            await self._loads.after()
        if self._observer is not None:
            await self._wait_settled(self._observer)
            self._observer.end()
            await self._end_reading()
            await self._observer.read_last(LAST_READING_S)

    async def _wait_settled(self, observer: Observer) -> None:
        """Wait until the time to settle is over, or until the scenario's `settle` says that it is.

        Without `settle` nothing says when a foreign system has done all its work.
        """
        while self._settle_s is not None and time.monotonic() < self._settled_by_s:
            asked_ns = time.monotonic_ns()
            values = await observer.current()
            if self._unchanged.look(values, time.monotonic()) >= self._settle_s:
                folder = self._context.folder
                if not await asyncio.to_thread(open_in, folder, self._expected, values, asked_ns):
                    return
            await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.sleep(max(0.0, self._settled_by_s - time.monotonic()))

    async def _end_reading(self) -> None:
        """End the readings of the run's time, so that none is in the way of the last ones."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def finish(self) -> None:
        """Record nothing: what there is to know is read before."""

    async def _degraded(self) -> list[str]:
        """Return the containers that do not run as they were made, each with how."""
        try:
            found = await asyncio.to_thread(self._site.engine.degradations)
        except EngineError as error:
            return [error.sentence]
        return [f"{name} ({', '.join(how)})" for name, how in sorted(found.items())]

    async def _link_states(self) -> Mapping[str, LinkState] | None:
        """Return the state of each link; None while a door does not answer."""
        try:
            return {one.name: one for one in await asyncio.to_thread(self._site.links.states)}
        except (LinksError, EngineError):
            return None
