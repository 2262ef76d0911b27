"""Whether a run was interrupted."""

from __future__ import annotations

from driver.histories.run_timeline import run_timeline
from driver.results.judged_run import JudgedRun


def was_interrupted(judged: JudgedRun) -> bool:
    """Return whether the run was interrupted."""
    return any(phase.outcome == "stopped" for phase in judged.history.view(run_timeline).phases.values())
