"""Starts the reference lab, or scales the one that is up."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

from driver.cli import options
from driver.engines.engine import MONITORS, Engine, LabSpec
from driver.errors import EngineError, InterruptedCommandError, LabError, UsageError
from driver.interrupts import interruptible
from driver.labs.heal import restore_stale
from driver.labs.lab_journals import new_journals
from driver.labs.lab_lock import lab_lock
from driver.labs.project_name import project_option
from driver.labs.take_down import raise_for_leftovers, take_down
from driver.reference.labs.lab import Lab, new_spec
from driver.reference.labs.lifecycle import bring_up, lab_snapshot
from driver.terminal import ProgressView, Terminal, print_lines

DEFAULT_WORKERS = 3


def up_lab(
    project: str, workers: int | None, host: str, port: int | None, monitored: bool, as_json: bool
) -> None:
    """Start the lab of a project and print where it is. Raises LabError."""
    count = DEFAULT_WORKERS if workers is None else workers
    began = time.monotonic()
    with Terminal() as terminal, lab_lock(project, "up", say=terminal.info):
        engine = options.engine_to_fill(project, terminal.info)
        lab = asyncio.run(_up(engine, new_spec(host, port), count, terminal))
        if monitored:
            _monitor(lab, terminal)
    print_lines([_as_json(lab, count)] if as_json else _as_text(lab, count, time.monotonic() - began))


async def _up(engine: Engine, wanted: LabSpec, workers: int, terminal: Terminal) -> Lab:
    before = await asyncio.to_thread(lab_snapshot, engine)
    if before is not None:
        _refuse_foreign(engine, before.spec)
        await asyncio.to_thread(restore_stale, engine, terminal)
        terminal.info(f"The lab {engine.project!r} is up already; giving it {workers} workers.")
        spec = before.spec
    else:
        if await asyncio.to_thread(engine.containers):
            terminal.info(f"Removing what a command that was killed left of the lab {engine.project!r}.")
            raise_for_leftovers(await take_down(engine, terminal))
        spec = await asyncio.to_thread(engine.reserve_addresses, wanted)
        spec = replace(spec, journals=new_journals(engine))

    def on_signal(count: int) -> None:
        engine.interrupt()
        terminal.info("Stopping; taking down what was started." if count == 1 else "Still taking it down.")

    try:
        return await interruptible(bring_up(engine, spec, workers, terminal), on_signal)
    except Exception as error:
        if before is None:
            await take_down(engine, terminal)
        if isinstance(error, InterruptedCommandError):
            left = "It was up before and still is." if before else "Nothing is left running."
            raise InterruptedCommandError(f"Stopped before the lab was up. {left}") from None
        raise


def _refuse_foreign(engine: Engine, spec: LabSpec) -> None:
    """Raise UsageError for containers that lab.py did not start: their coordinator has no key."""
    if not spec.key:
        raise UsageError(
            f"The containers of {engine.project!r} were not started by lab.py: without a key and links.",
            f"python lab.py down{project_option(engine.project)} removes them; then `up` makes a lab.",
        )


def _monitor(lab: Lab, terminal: Terminal) -> None:
    terminal.show(ProgressView("starting Prometheus and Grafana"))
    try:
        lab.engine.up(lab.spec, MONITORS)
    except EngineError as error:
        raise LabError(
            f"Prometheus and Grafana could not be started: {error.sentence}",
            "The lab is up without them. Their images come from a registry; name others with "
            "STORMLAB_PROMETHEUS_IMAGE and STORMLAB_GRAFANA_IMAGE.",
        ) from None
    terminal.info("Prometheus: http://127.0.0.1:9090   Grafana: http://127.0.0.1:3000/d/stormlab")


def _as_text(lab: Lab, workers: int, took_s: float) -> list[str]:
    spec = lab.spec
    mine = project_option(lab.engine.project)
    look = "    ".join(filter(None, [lab.engine.own_listing(), f"python lab.py status{mine}"]))
    return [
        f"The lab {lab.engine.project!r} is up: {workers} workers, each on its own link ({took_s:.1f} s).",
        f"  Toxiproxy    http://{spec.host}:{spec.toxiproxy_port}/proxies",
        f"  coordinator  http://{spec.host}:{spec.control_port}/metrics",
        f"  look         {look}",
        f"  read         python lab.py logs worker-1{mine}",
        f"  take down    python lab.py down{mine}",
    ]


def _as_json(lab: Lab, workers: int) -> str:
    spec = lab.spec
    answer = {
        "project": lab.engine.project,
        "workers": workers,
        "toxiproxy": f"http://{spec.host}:{spec.toxiproxy_port}",
        "coordinator": f"http://{spec.host}:{spec.control_port}",
    }
    return json.dumps(answer)
