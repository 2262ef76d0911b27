"""The scenario that the page runs: its plan as steps, its progress, and its verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from driver.checks.finding import Finding
from driver.dashboard.jobs import Job, Jobs
from driver.reference.dashboard.model import Model
from driver.results.run_folder import VerdictFile, read_verdict, results_root
from driver.scenarios.plan import PlannedFault
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import Overrides, find_scenario, load_scenario

_REPORT = re.compile(r"report: (.+?)/report\.")


class ScenarioJob:
    """At most one scenario at a time. `port` is the port of its lab, None for the default."""

    def __init__(self, jobs: Jobs, results: Path, port: int | None = None) -> None:
        self._jobs = jobs
        self._results = results
        self._port = port
        self._job: Job | None = None
        self._name = ""
        self._faults: Sequence[PlannedFault] = ()
        self._duration_s = 0.0
        self._verdict: VerdictFile | None = None

    @property
    def is_running(self) -> bool:
        """Whether a scenario runs."""
        return self._job is not None and self._job.code is None

    def start(self, name: str, quick: bool, workers: int | None, seed: int, project: str) -> Job | None:
        """Start a scenario; returns None where too many jobs run. Raises UsageError where it cannot run."""
        loaded = load_scenario(find_scenario(name), Overrides(workers, None, {}, quick))
        self._faults = resolve(loaded, seed).faults
        words = ["scenario", name, "--seed", str(seed), "--project", project, "--replace"]
        words += ["--quick"] if quick else []
        words += ["--workers", str(workers)] if workers else []
        words += ["--port", str(self._port)] if self._port else []
        if self._results != results_root():
            words += ["--results", str(self._results)]
        self._name, self._duration_s = loaded.name, loaded.scenario.duration_s
        self._verdict = None
        self._job = self._jobs.start(words)
        return self._job

    def stop(self) -> None:
        """Stop the scenario: it heals, keeps its results so far, and takes its lab down."""
        if self._job is not None:
            self._job.stop()

    def status(self, model: Model | None) -> dict[str, Any] | None:
        """Return the scenario as the page shows it, its steps by `model`; None before the first."""
        job = self._job
        if job is None:
            return None
        run = next((found[1] for line in job.lines if (found := _REPORT.search(line))), "").rpartition("/")[2]
        if self._verdict is None and run and job.code is not None:
            self._verdict = read_verdict(self._results / run)
        verdict = self._verdict
        return {
            "name": self._name,
            "running": job.code is None,
            "duration_s": self._duration_s,
            "steps": [_step(fault, model) for fault in self._faults],
            "lines": list(job.lines),
            "verdict": verdict.verdict if verdict else "",
            "because": verdict.because if verdict else "",
            "findings": [_finding(one) for one in verdict.findings] if verdict else [],
            "run": run,
        }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"check": finding.check, "status": finding.status.value, "because": finding.because}


def _step(fault: PlannedFault, model: Model | None) -> dict[str, Any]:
    begun = model.faults.all.get(fault.id) if model else None
    state = "to come" if begun is None else "on" if begun.ended_wall_s is None else "done"
    return {
        "id": fault.id,
        "fault": fault.fault,
        "at_s": fault.at_s,
        "for_s": fault.for_s,
        "targets": list(fault.targets),
        "state": state,
    }
