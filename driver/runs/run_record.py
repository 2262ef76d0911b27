"""The record of a run, written before anything starts: plan, versions, images and host."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from driver.files import unwritable, write_file
from driver.histories.history import DRIVER
from driver.histories.journals import JOURNALS
from driver.judging.verdict import KnownFailure
from driver.results.run_folder import LOGS, OWN, PLAN, FaultFreeRun, RunRecord, save_start
from driver.runs.run_subject import RunFacts
from driver.scenarios.known_issues import known_issues
from driver.scenarios.plan import Plan
from driver.version import own_version


def save_record(
    folder: Path, plan: Plan, scenario_yaml: str, facts: RunFacts, argv: Sequence[str],
    fault_free: FaultFreeRun | None = None,
) -> None:  # fmt: skip
    """Write run.json, scenario.yaml and plan.json; make `journals` and `logs`. Raises LabError."""
    declared = {issue.check: issue for issue in (*known_issues(plan.scenario), *plan.known_issues)}
    known = [KnownFailure(issue.check, issue.because) for issue in declared.values()]
    record = RunRecord(
        run=folder.name,
        scenario=plan.scenario,
        seed=plan.seed,
        clients=list(facts.clients),
        processes=[DRIVER, *facts.processes],
        duration_s=plan.duration_s,
        expect=[*plan.expect, *plan.checks],
        known_issues=known,
        planned_faults=len(plan.faults),
        controls=plan.controls,
        fault_free=fault_free,
        sealed=True,
        claim=plan.claim,
        started_wall_s=time.time(),
        argv=list(argv),
        versions={**facts.versions, "stormlab": own_version(), "python": platform.python_version()},
        images=dict(facts.images),
        host=_host(),
        settings=dict(facts.settings),
        system=facts.system,
    )
    save_start(folder, record, scenario_yaml)
    write_file(folder / PLAN, plan.to_json().encode(), OWN)
    try:
        for name in (JOURNALS, LOGS):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def _host() -> dict[str, object]:
    return {
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }
