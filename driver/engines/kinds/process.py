"""Processes of this machine in namespaces of the lab's own (Linux): no Docker, with or without root."""

from __future__ import annotations

from pathlib import Path

from driver.engines.engine import Abilities, BuildEnvironment, Engine
from driver.engines.engine_kind import EngineKind


def _unavailable() -> str:
    from driver.engines.process.namespaces import refusal

    return refusal()


def _abilities() -> Abilities:
    from driver.engines.process.process_abilities import abilities_of

    return abilities_of(isolated=True)


def _holds(project: str) -> bool:
    from driver.engines.process.process_engine import holds

    return holds(project, isolated=True)


def _make(project: str, root: Path, prepare: BuildEnvironment) -> Engine:
    from driver.engines.process.process_engine import ProcessEngine

    return ProcessEngine(project, root, isolated=True)


ENGINE = EngineKind(
    name="process", rank=200, summary="processes in Linux namespaces, without Docker",
    unavailable=_unavailable, abilities=_abilities, holds=_holds, make=_make,
)  # fmt: skip
