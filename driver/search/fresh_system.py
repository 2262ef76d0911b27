"""A system that is started for each run and taken down after it, as the reference lab is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from driver.results.judged_run import JudgedRun
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
from driver.scenarios.plan import Plan
from driver.terminal import Terminal


class FreshSystem:
    """Implements `search_run.ScheduleSystem`; `subject_of` makes the subject of a plan.

    Its start and its end are phases of each run.
    """

    def __init__(self, subject_of: Callable[[Plan], RunSubject], terminal: Terminal) -> None:
        self._subject_of = subject_of
        self._terminal = terminal
        self.starts = 0
        self.starting_s = 0.0
        self.why_started: list[str] = []

    def run(self, request: RunRequest) -> JudgedRun:
        """Run a plan and judge it. Raises LabError as `run`."""
        self.starts += 1
        return asyncio.run(run(request, self._subject_of(request.plan), self._terminal))

    def end(self, because: str) -> None:
        """Do nothing: each run takes it down."""
