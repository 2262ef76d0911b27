"""A short run of the same plan without faults, before the run itself: what fails in it needs no fault.

Both runs are on one start of the system, which nothing has hurt in between.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

from chaos.units import format_seconds
from driver.results.judged_run import JudgedRun, as_fault_free
from driver.results.run_folder import new_folder
from driver.runs.interruption import was_interrupted
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject, SharedStartSubject
from driver.scenarios.plan import Plan
from driver.scenarios.scheduler import derived_seed
from driver.terminal import Terminal

LOAD_S = 10.0
"""How long the load lasts after the warm-up, at most."""


def run_with_controls(
    request: RunRequest, subject_of: Callable[[Plan], RunSubject], terminal: Terminal
) -> JudgedRun:
    """Run a plan; before it, where it asks for controls of a foreign system, the same without faults.

    Returns the judged run; that without faults where it was interrupted. Raises LabError as `run`.
    """
    plan = request.plan
    subject = subject_of(plan)
    if plan.controls and plan.system is not None and plan.faults:
        short = without_faults(plan)
        folder = new_folder(plan.scenario, request.results)
        terminal.info(f"first {format_seconds(short.duration_s)} without faults: what fails then needs none")
        control = replace(request, plan=short, keep=False, goes_on=True)
        before = cast(SharedStartSubject, subject).before(short, folder)
        try:
            judged = asyncio.run(run(control, before, terminal))
        except BaseException:
            _leave(subject, folder)
            raise
        if was_interrupted(judged):
            _leave(subject, folder)
            return judged
        request = replace(request, folder=folder, fault_free=as_fault_free(judged))
    return asyncio.run(run(request, subject, terminal))


def _leave(subject: RunSubject, folder: Path) -> None:
    """Take a system down before the run that `folder` was made for."""
    asyncio.run(subject.take_down())
    shutil.rmtree(folder, ignore_errors=True)


def without_faults(plan: Plan) -> Plan:
    """Return a short plan of the same system, load and expectations, without a fault and without controls."""
    changed = {
        "scenario": f"{plan.scenario}-without-faults",
        "faults": (),
        "duration_s": min(plan.duration_s, plan.warmup_s + LOAD_S),
        "controls": False,
        # Its keys are others, so that what the run itself stores was not there before.
        "seed": derived_seed(plan.seed, "without faults"),
        "abort_when": (),
    }
    return plan.model_copy(update=changed)
