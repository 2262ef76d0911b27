"""The reference lab as the engine, the coordinator and Toxiproxy report it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import msgspec

from chaos.actuator import name_list
from chaos.targets import CLIENT
from driver.engines.engine import Container, Engine
from driver.errors import LinksError
from driver.labs.heal import restore_stale_if_free
from driver.labs.injection_plan import MANUAL_PREFIX
from driver.labs.lab_lock import LockHolder, lock_holders
from driver.labs.project_name import project_option
from driver.labs.toxiproxy_api import LinkState
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab, lab_of, retry_while_changing
from driver.terminal import Terminal, print_json, print_lines, print_table
from wire.control import CoordinatorState, WorkerState


@dataclass(frozen=True)
class Seen:
    """A lab as it is now, on its `engine`. `is_up`: its core is there; `state` or `links` None: no answer.

    `degraded_containers` are those that a fault has paused, limited or disconnected from a network.
    """

    is_up: bool
    containers: list[Container]
    state: CoordinatorState | None
    links: list[LinkState] | None
    lock_holders: list[LockHolder]
    degraded_containers: frozenset[str] = frozenset()
    engine: str = ""

    @property
    def workers(self) -> list[str]:
        """Names of the lab's workers."""
        return [one.name for one in self.containers if one.service == CLIENT]

    @property
    def degraded_links(self) -> list[str]:
        """Links with a fault or a toxic, or closed."""
        return [one.name for one in self.links or () if one.is_degraded]

    @property
    def without_link(self) -> list[str]:
        """Workers for which Toxiproxy has no link."""
        linked = {link.name for link in self.links or ()}
        return [] if self.links is None else [name for name in self.workers if name not in linked]


def show_lab(engine: Engine, as_json: bool) -> None:
    """Print the lab of an engine. Raises EngineError."""
    seen = retry_while_changing(lambda: _read(engine))
    if as_json:
        print_json(_as_json(seen))
    elif not seen.containers:
        print_lines([f"No lab named {engine.project!r} is up.", *_in_use(seen)])
    else:
        _show(seen, engine.project)


def _read(engine: Engine) -> Seen:
    spec = engine.existing_spec()
    if spec is None:
        parts, holders = engine.containers(), lock_holders(engine.project)
        return Seen(False, parts, None, None, holders, engine=engine.abilities.engine)
    lab = lab_of(engine, spec)
    restore_stale_if_free(engine, Terminal())
    state, links = asyncio.run(_state(lab)), _links(lab)
    degraded = frozenset(engine.degradations())
    name = engine.abilities.engine
    return Seen(True, engine.containers(), state, links, lock_holders(engine.project), degraded, name)


async def _state(lab: Lab) -> CoordinatorState | None:
    try:
        async with lab.coordinator() as coordinator:
            return await coordinator.state()
    except CoordinatorError:
        return None


def _links(lab: Lab) -> list[LinkState] | None:
    try:
        return lab.links.states()
    except LinksError:
        return None


def _show(seen: Seen, project: str) -> None:
    workers = {worker.name: worker for worker in seen.state.workers} if seen.state else {}
    by_link = {link.name: link for link in seen.links or []}
    rows, marks = [], []
    for one in seen.containers:
        worker = workers.get(one.name)
        good = one.status == "running" and one.health in ("healthy", "") and one.name not in seen.without_link
        marks.append("good" if good and (worker is None or worker.state == "connected") else "bad")
        link = "none" if one.name in seen.without_link else _as_link(by_link.get(one.name))
        rows.append([one.name, one.status, one.health, *_as_worker(worker), link])
    print_table(["name", "status", "health", "session", "tasks", "connects", "link"], rows, marks)
    if seen.is_up:
        print_lines([*_summary(seen), *_no_links(seen, project), *_in_use(seen), f"Engine: {seen.engine}."])
    else:
        print_lines(["Only a part of the lab is there.", *_in_use(seen)])


def _no_links(seen: Seen, project: str) -> list[str]:
    if not seen.without_link:
        return []
    verb = "has" if len(seen.without_link) == 1 else "have"
    return [
        f"{name_list(seen.without_link)} {verb} no link: lab.py makes the links, and did not start them. "
        f"Run: python lab.py up --workers {len(seen.workers)}{project_option(project)}"
    ]


def _in_use(seen: Seen) -> list[str]:
    return [f"In use by {holder}." for holder in seen.lock_holders]


def _as_worker(worker: WorkerState | None) -> list[str]:
    return ["", "", ""] if worker is None else [worker.state, str(worker.assigned), str(worker.connections)]


def _as_link(link: LinkState | None) -> str:
    if link is None:
        return ""
    # The id of a fault by hand is internal; `lab.py faults` names the fault.
    faults = dict.fromkeys("by hand" if one.startswith(MANUAL_PREFIX) else one for one in link.faults)
    otherwise = "stuck" if link.stuck else "clean" if link.enabled else "closed"
    return ", ".join(faults or link.toxics) or otherwise


def _summary(seen: Seen) -> list[str]:
    lines = []
    state, links = seen.state, seen.links
    if state is None:
        lines.append("The coordinator does not answer.")
    else:
        counts = state.counts
        # The coordinator still lists workers that were scaled away.
        connected = {one.name for one in state.workers if one.state == "connected"} & set(seen.workers)
        count = len(connected & {*seen.degraded_links, *seen.degraded_containers})
        under_faults = f", {count} of them under faults" if count else ""
        lines.append(
            f"{len(connected)} of {len(seen.workers)} workers connected{under_faults}; "
            f"tasks: {counts.submitted} submitted, "
            f"{counts.completed} completed, {counts.failed} failed, {counts.waiting} waiting, "
            f"{counts.assigned} in work"
        )
    if links is None:
        lines.append("Toxiproxy does not answer.")
    else:
        lines.append(f"{len(links)} links, {len(seen.degraded_links)} of them under faults")
    return lines


def _as_json(seen: Seen) -> str:
    rows = [{"name": one.name, "status": one.status, "health": one.health} for one in seen.containers]
    answer = {
        "up": seen.is_up,
        "engine": seen.engine,
        "containers": rows,
        "coordinator": msgspec.to_builtins(seen.state),
        "links": msgspec.to_builtins(seen.links),
        "without_link": seen.without_link,
        "in_use_by": msgspec.to_builtins(seen.lock_holders),
    }
    return json.dumps(answer)
