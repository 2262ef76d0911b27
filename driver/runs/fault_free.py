"""A short run of the same plan without faults, before the run itself: what fails in it needs no fault.

Each is on a start of its own. On a shared one the run itself would find rows and messages of the other, which
are no operations of its own, and its doors would count the connections of both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from chaos.units import format_seconds
from driver.results.judged_run import JudgedRun, as_fault_free
from driver.runs.interruption import was_interrupted
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
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
    if plan.controls and plan.system is not None and plan.faults:
        short = without_faults(plan)
        terminal.info(f"first {format_seconds(short.duration_s)} without faults: what fails then needs none")
        control = replace(request, plan=short, keep=False, show=lambda judged: None)
        judged = asyncio.run(run(control, subject_of(short), terminal))
        if was_interrupted(judged):
            request.show(judged)
            return judged
        request = replace(request, fault_free=as_fault_free(judged))
    return asyncio.run(run(request, subject_of(plan), terminal))


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
