"""One run of a plan, in order; whatever happens, the lab is healed and taken down, and the run judged."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from driver.engines.engine import Engine, LabSpec
from driver.errors import LabError
from driver.histories.journals import JOURNALS
from driver.interrupts import interruptible, to_completion
from driver.labs.lab import new_spec
from driver.labs.lifecycle import (
    LabSnapshot,
    RemovedLab,
    call_engine,
    raise_for_leftovers,
    restart_lab,
    services,
    take_down,
)
from driver.report.write import write_reports
from driver.results.judged_run import JudgedRun, judge_run
from driver.results.run_folder import new_folder
from driver.runs.run_phases import RunPhases, RunRequest
from driver.runs.run_record import save_record
from driver.scenarios.probe_schedule import settings_json
from driver.terminal import ProgressView, Terminal

THREADS = 32
_log = logging.getLogger("stormlab.run")


async def run(request: RunRequest, engine: Engine, terminal: Terminal) -> JudgedRun:
    """Run a plan in a lab of its own, judge the run, and return it.

    The caller holds the lab's lock. A lab of the same project that is up is replaced. Raises LabError when
    the lab itself broke; what was collected is kept and judged first.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    folder, spec = await interruptible(_prepare(request, engine, terminal), lambda _: engine.interrupt())
    try:
        phases = RunPhases(request, engine, folder, spec, terminal)
        broken = await phases.execute()
        await phases.cleanup()
    except BaseException:
        # No container is left behind, whatever the error.
        await take_down(engine, terminal)
        raise
    outcome = await _conclude(engine, folder, terminal, broken)
    if request.keep:
        await restart_lab(engine, LabSnapshot(spec, request.plan.workers), terminal)
    return outcome


async def _conclude(engine: Engine, folder: Path, terminal: Terminal, broken: LabError | None) -> JudgedRun:
    """Judge the run, and meanwhile take the lab down. Raises the error that broke the lab."""
    terminal.show(ProgressView("judging and taking down"))
    outcome, down = await asyncio.gather(
        asyncio.to_thread(_judge, folder, terminal), take_down(engine, terminal), return_exceptions=True
    )
    terminal.clear()
    for error in (broken, down, outcome):
        if isinstance(error, LabError):
            kept = f"What was collected is in {folder}."
            hint = f"{error.hint.rstrip('.')}. {kept}" if error.hint else kept
            completed = type(error)(error.sentence, hint)
            completed.kept = folder.name
            raise completed from None
        if isinstance(error, BaseException):
            raise error
    assert isinstance(down, RemovedLab)
    assert isinstance(outcome, JudgedRun)
    raise_for_leftovers(down)
    return outcome


async def _prepare(request: RunRequest, engine: Engine, terminal: Terminal) -> tuple[Path, LabSpec]:
    """Reserve a lab, ensure its images, and save the record. Raises LabError."""
    spec = await asyncio.to_thread(engine.reserve_addresses, _spec(request))
    images = await call_engine(engine, engine.ensure_images, services(request.prober), terminal.info)
    versions = await asyncio.to_thread(engine.versions)
    if await asyncio.to_thread(engine.containers):
        terminal.info(f"The lab {engine.project!r} is up; this run replaces its containers.")
        await to_completion(take_down(engine, terminal))
    folder = new_folder(request.plan.scenario, request.results)
    save_record(folder, request.plan, request.scenario_yaml, versions, images, request.argv, request.prober)
    prober_json = settings_json(request.plan, reads_windows=engine.is_local)
    journals = folder.resolve() / JOURNALS if engine.is_local else None
    return folder, replace(spec, prober_json=prober_json, journals=journals)


def _judge(folder: Path, terminal: Terminal) -> JudgedRun:
    outcome = judge_run(folder)
    try:
        write_reports(outcome)
    except Exception as error:
        # The verdict is valid without its report, which `lab.py judge` can write again.
        _log.debug("no report", exc_info=True)
        terminal.warn(f"The report could not be written: {type(error).__name__}: {error}")
    return outcome


def _spec(request: RunRequest) -> LabSpec:
    return replace(
        new_spec(request.host, request.port),
        coordinator_json=json.dumps(request.plan.coordinator),
        worker_json=json.dumps({"seed": request.plan.seed, **request.plan.worker}),
    )
