"""Where a run is kept, and what is known about it before anything starts."""

from __future__ import annotations

import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from driver.engines.engine import PROBER
from driver.errors import LabError
from driver.files import unwritable, write_file
from driver.judging.verdict import KnownFailure
from driver.paths import project_root, working_root
from driver.runs.store import RunRecord, save_start
from driver.scenarios.known_issues import known_issues
from driver.scenarios.plan import Plan
from wire.address import worker_name

PLAN = "plan.json"
JOURNALS = "journals"
LOGS = "logs"
GIT_S = 10.0


def results_root() -> Path:
    """The folder of all runs."""
    return working_root() / "results"


def new_folder(scenario: str, root: Path, now: datetime | None = None) -> Path:
    """A folder that no other run has: `20261124T021500Z-thundering_herd`."""
    stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in range(1, 1000):
        folder = root / (f"{stamp}-{scenario}" if number == 1 else f"{stamp}-{scenario}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise LabError(
                f"{folder} could not be made: {error.strerror}.", "Make room, or make it writable."
            ) from None
        return folder
    raise LabError(f"A thousand runs of {scenario} in one second?", "Try again.")


def begin(
    folder: Path, plan: Plan, scenario_yaml: str, versions: Mapping[str, str], images: Mapping[str, str],
    argv: Sequence[str], prober: bool,
) -> None:  # fmt: skip
    """The first step of saving: what is about to be tried. Each container gets a folder in `journals`."""
    workers = [worker_name(index) for index in range(1, plan.workers + 1)]
    declared = {issue.check: issue for issue in (*known_issues(plan.scenario), *plan.known_issues)}
    known = [KnownFailure(issue.check, issue.because) for issue in declared.values()]
    record = RunRecord(
        run=folder.name,
        scenario=plan.scenario,
        seed=plan.seed,
        workers=workers,
        processes=["driver", "coordinator", *([PROBER] if prober else []), *workers],
        duration_s=plan.duration_s,
        expect=[*plan.expect, *plan.checks],
        known_issues=known,
        planned_faults=len(plan.faults),
        sealed=True,
        claim=plan.claim,
        started_wall_s=time.time(),
        argv=list(argv),
        versions={**versions, "stormlab": own_version(), "python": platform.python_version()},
        images=dict(images),
        host=_host(),
        settings={"worker": plan.worker, "coordinator": plan.coordinator},
    )
    save_start(folder, record, scenario_yaml)
    write_file(folder / PLAN, plan.to_json().encode())
    try:
        for name in (JOURNALS, LOGS):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def own_version() -> str:
    """The version that pyproject.toml names; in a checkout also the commit."""
    try:
        return metadata.version("stormlab")
    except metadata.PackageNotFoundError:
        version = tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]["version"]
        return f"{version}, checkout {_commit()}".strip()


def _commit() -> str:
    """The commit that is checked out, and whether files were changed since; "" where nobody knows."""

    def git(*words: str) -> str:
        asked = ["git", "-C", str(Path(__file__).resolve().parent), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=GIT_S).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs")
        return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _host() -> dict[str, object]:
    return {
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }
