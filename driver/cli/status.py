"""`lab.py status`: a lab as the engine, the coordinator and Toxiproxy see it."""

from __future__ import annotations

import asyncio
import json

import click
import msgspec

from driver.cli import options
from driver.engines.engine import Container
from driver.errors import CoordinatorError, LinksError
from driver.labs.lab import Lab, standing
from driver.labs.links import LinkState
from driver.labs.orphans import restore_orphans
from driver.terminal import Terminal, print_json, print_lines, print_table
from wire.control import State, WorkerState


@click.command("status")
@options.project
@options.as_json
@options.log_level
def command(project: str, as_json: bool) -> None:
    """Show a lab: its containers, who is connected, what is in work, and which links are hurt."""
    engine = options.engine_of(project)
    if engine.found() is None and not engine.containers():
        print_lines(['{"up": false}'] if as_json else [f"No lab named {project!r} is up."])
        return
    lab = standing(engine)
    restore_orphans(engine, Terminal())
    containers = engine.containers()
    state = asyncio.run(_state(lab))
    links = _links(lab)
    if as_json:
        print_json(_as_json(containers, state, links))
        return
    _show(containers, state, links)


async def _state(lab: Lab) -> State | None:
    try:
        async with lab.coordinator() as coordinator:
            return await coordinator.state()
    except CoordinatorError:
        return None


def _links(lab: Lab) -> list[LinkState] | None:
    try:
        return lab.links.all()
    except LinksError:
        return None


def _show(containers: list[Container], state: State | None, links: list[LinkState] | None) -> None:
    workers = {worker.name: worker for worker in state.workers} if state else {}
    by_link = {link.name: link for link in links or []}
    rows, marks = [], []
    for one in containers:
        worker = workers.get(one.name)
        good = one.status == "running" and one.health in ("healthy", "")
        marks.append("good" if good and (worker is None or worker.state == "connected") else "bad")
        rows.append([one.name, one.status, one.health, *_as_worker(worker), _as_link(by_link.get(one.name))])
    print_table(["name", "status", "health", "session", "tasks", "connects", "link"], rows, marks)
    print_lines(_summary(state, links))


def _as_worker(worker: WorkerState | None) -> list[str]:
    return ["", "", ""] if worker is None else [worker.state, str(worker.assigned), str(worker.connections)]


def _as_link(link: LinkState | None) -> str:
    if link is None:
        return ""
    return ", ".join(link.faults or link.toxics) or ("clean" if link.enabled else "closed")


def _summary(state: State | None, links: list[LinkState] | None) -> list[str]:
    lines = []
    if state is None:
        lines.append("The coordinator does not answer.")
    else:
        counts = state.counts
        connected = sum(worker.state == "connected" for worker in state.workers)
        lines.append(
            f"{connected} of {len(state.workers)} workers connected; tasks: {counts.submitted} submitted, "
            f"{counts.completed} completed, {counts.failed} failed, {counts.waiting} waiting, "
            f"{counts.assigned} in work"
        )
    if links is None:
        lines.append("Toxiproxy does not answer.")
    else:
        hurt = [link.name for link in links if link.faults or link.toxics or not link.enabled]
        lines.append(f"{len(links)} links, {len(hurt)} of them hurt")
    return lines


def _as_json(containers: list[Container], state: State | None, links: list[LinkState] | None) -> str:
    answer = {
        "up": True,
        "containers": [{"name": one.name, "status": one.status, "health": one.health} for one in containers],
        "coordinator": msgspec.to_builtins(state),
        "links": msgspec.to_builtins(links),
    }
    return json.dumps(answer)
