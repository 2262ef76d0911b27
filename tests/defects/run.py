"""Runs one scenario on a lab that is built with one defect."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from driver.checks.finding import Status
from driver.results.judged_run import judge_run
from tests.defects.defect import lab_defect
from tests.defects.images import built
from tests.defects.pairs import Pair
from tests.defects.record import PairOutcome
from tests.ports import reserved_pair

LIMIT_S = 600
TRIES = 2
"""An inconclusive run says nothing either way; on a busy machine a receipt may be missing once."""


@dataclass(frozen=True)
class Place:
    """Where: the checkout, the folder for runs, the lab's name, and the seed of all runs."""

    root: Path
    results: Path
    project: str
    seed: int


class _Finding(msgspec.Struct):
    check: str
    status: str
    because: str


class _Verdict(msgspec.Struct):
    verdict: str
    findings: list[_Finding]


def run_pair(pair: Pair, place: Place) -> PairOutcome:
    """Build, run, and take the lab down. Raises CalledProcessError or DefectError where there is no run."""
    defect = lab_defect(pair.defect)
    environment = {**os.environ, **built(defect, place.root)}
    results = _folder(pair, place)
    for _ in range(TRIES):
        began = time.monotonic()
        code = _scenario(pair.scenario, place, results, environment)
        verdict = msgspec.json.decode((results / "latest" / "verdict.json").read_bytes(), type=_Verdict)
        if verdict.verdict != "inconclusive":
            break
    return PairOutcome(
        scenario=pair.scenario,
        defect=pair.defect,
        wrong=defect.wrong,
        verdict=verdict.verdict,
        exit_code=code,
        failed={one.check: one.because for one in verdict.findings if one.status == "failed"},
        noticed_by=pair.noticed_by,
        seed=place.seed,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        commit=_commit(place.root),
        run=(results / "latest").resolve().name,
        took_s=round(time.monotonic() - began, 1),
    )


def judge_again(outcome: PairOutcome, pair: Pair, place: Place) -> PairOutcome:
    """What the checks of today say of a run that is kept."""
    verdict = judge_run(_folder(pair, place) / outcome.run).verdict
    return msgspec.structs.replace(
        outcome,
        verdict=verdict.verdict.value,
        exit_code=int(verdict.exit_code),
        failed={one.check: one.because for one in verdict.findings if one.status is Status.failed},
        noticed_by=pair.noticed_by,
        commit=_commit(place.root),
    )


def _folder(pair: Pair, place: Place) -> Path:
    return place.results / f"{pair.scenario}-{pair.defect}"


def _scenario(name: str, place: Place, results: Path, environment: dict[str, str]) -> int:
    words = ["scenario", name, "--quick", "--seed", str(place.seed), "--project", place.project]
    words += ["--port", str(reserved_pair("127.0.0.1")), "--results", str(results)]
    done = subprocess.run(
        [sys.executable, str(place.root / "lab.py"), *words],
        cwd=place.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode not in (0, 1, 2):
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.returncode


def _commit(root: Path) -> str:
    words = ["git", "rev-parse", "--short=10", "HEAD"]
    return subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
