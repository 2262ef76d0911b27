"""What our own checks say of a history: the driver's that speak of tasks, and the simulation's witness."""

from __future__ import annotations

from driver.checks.catalogue import CHECKS, run_check
from driver.checks.finding import Status
from driver.histories.history import History
from driver.metrics import Metrics
from tests.simulation.invariants import Witness
from wire.events import ProcessStarted
from wire.task_events import Assigned, CheckpointCommitted, Finished, TaskDone

ASKED = ("nothing_lost", "nothing_counted_twice", "acknowledged_results_stand", "no_zombie_effects")


def breach(history: History) -> str:
    """What is wrong, in a sentence; "" when nothing is."""
    for name in ASKED:
        finding = run_check(CHECKS[name], history, Metrics({}, {}), {})
        if finding.status is Status.failed:
            return f"{name}: {finding.because}"
        if "the check itself raised" in finding.because:
            raise AssertionError(f"{name}: {finding.because}")
    return _witnessed(history)


def _witnessed(history: History) -> str:
    """A witness for each task: what holds between tasks is not asked of the outside judge either."""
    witnesses: dict[str, Witness] = {}
    for event in history.merged(ProcessStarted, Assigned, CheckpointCommitted, Finished, TaskDone):
        task = getattr(event, "task", None)
        if task is None:
            for witness in witnesses.values():
                witness.see(event)
        else:
            witnesses.setdefault(task, Witness()).see(event)
    breaches = (breach for witness in witnesses.values() for breach in witness.breaches)
    return next((f"witness: {breach}" for breach in breaches), "")
