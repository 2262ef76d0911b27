"""One run of a plan, in order; whatever happens, the lab is healed and taken down, and the run judged.

The verdict is shown as soon as it is there: all that it is judged by is collected before, so that neither the
reports nor the rest of the teardown can alter it. What the teardown leaves is an error after it.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from driver.errors import LabError
from driver.interrupts import interruptible
from driver.labs.take_down import RemovedLab, raise_for_leftovers
from driver.results.judged_run import JudgedRun, judge_run
from driver.results.run_folder import new_folder
from driver.runs.run_phases import RunPhases
from driver.runs.run_record import save_record
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
from driver.terminal import ProgressView, Terminal

THREADS = 32
_log = logging.getLogger("stormlab.run")


async def run(request: RunRequest, subject: RunSubject, terminal: Terminal) -> JudgedRun:
    """Run a plan on its system, in a lab of its own; judge the run, and return it. Where its lab `goes_on`,
    the caller takes it down.

    The caller holds the lab's lock. Raises LabError when the lab itself broke; what was collected is kept and
    judged first.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    folder = await interruptible(_prepare(request, subject), lambda _: subject.interrupt())
    try:
        phases = RunPhases(request, subject, folder, terminal)
        broken = await phases.execute()
        await phases.cleanup()
    except BaseException:
        # No container is left behind, whatever the error.
        await subject.take_down()
        raise
    if request.goes_on and broken is None:
        await phases.save_logs()
        return await _judge(request, phases, terminal, None)
    outcome = await _conclude(request, subject, phases, terminal, broken)
    if request.keep:
        await subject.keep()
    return outcome


async def _conclude(
    request: RunRequest, subject: RunSubject, phases: RunPhases, terminal: Terminal, broken: LabError | None
) -> JudgedRun:
    """Judge the run, and meanwhile take the lab down. Raises the error that broke the lab."""
    terminal.show(ProgressView("judging and taking down"))
    outcome, down = await asyncio.gather(
        _judge(request, phases, terminal, broken), _take_down(subject, phases), return_exceptions=True
    )
    terminal.clear()
    for error in (broken, down, outcome):
        if isinstance(error, LabError):
            kept = f"What was collected is in {phases.folder}."
            hint = f"{error.hint.rstrip('.')}. {kept}" if error.hint else kept
            completed = type(error)(error.sentence, hint)
            completed.kept = phases.folder.name
            raise completed from None
        if isinstance(error, BaseException):
            raise error
    assert isinstance(down, RemovedLab)
    assert isinstance(outcome, JudgedRun)
    raise_for_leftovers(down)
    return outcome


async def _take_down(subject: RunSubject, phases: RunPhases) -> RemovedLab:
    try:
        await phases.save_logs()
    finally:
        # No container is left behind, whatever the error.
        removed = await subject.take_down()
    return removed


async def _prepare(request: RunRequest, subject: RunSubject) -> Path:
    """Prepare the system, and save the record. Raises LabError."""
    facts = await subject.prepare()
    folder = new_folder(request.plan.scenario, request.results)
    save_record(folder, request.plan, request.scenario_yaml, facts, request.argv, request.fault_free)
    return folder


async def _judge(
    request: RunRequest, phases: RunPhases, terminal: Terminal, broken: LabError | None
) -> JudgedRun:
    """Judge the run, show its verdict unless the lab broke, and write its reports."""
    outcome = await asyncio.to_thread(judge_run, phases.folder, phases.files)
    if broken is None:
        terminal.clear()
        request.show(outcome)
    if request.report:
        await asyncio.to_thread(_write_reports, outcome, terminal)
    return outcome


def _write_reports(outcome: JudgedRun, terminal: Terminal) -> None:
    # Imported here: what reports are made with is loaded while the run waits, not before it starts.
    from driver.report.write import write_reports

    try:
        write_reports(outcome)
    except Exception as error:
        # The verdict is valid without its report, which `lab.py judge` can write again.
        _log.debug("no report", exc_info=True)
        terminal.warn(f"The report could not be written: {type(error).__name__}: {error}")
