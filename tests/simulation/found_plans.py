"""Plans that broke an invariant once, each in a file: tests/regressions runs them all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.simulation.plan import Plan

FOLDER = Path(__file__).resolve().parents[1] / "regressions" / "found"


@dataclass(frozen=True)
class FoundPlan:
    """A plan, made small, and the breach that it showed when it was found."""

    breach: str
    plan: Plan


def save(folder: Path, plan: Plan, breach: str) -> Path:
    """Keep a plan in a file of its own, named by its content; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    data = encoded(plan, breach)
    path = folder / f"plan_{hashlib.sha256(data[:-1]).hexdigest()[:10]}.json"
    path.write_bytes(data)
    return path


def encoded(plan: Plan, breach: str) -> bytes:
    """Return the content of a plan's file."""
    return msgspec.json.format(msgspec.json.encode(FoundPlan(breach, plan)), indent=1) + b"\n"


def load(path: Path) -> FoundPlan:
    """Return the plan of a file. Raises msgspec.MsgspecError for one that is none."""
    return msgspec.json.decode(path.read_bytes(), type=FoundPlan)
