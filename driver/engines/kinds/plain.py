"""Processes of this machine on loopback addresses of their own (Linux): no namespaces, no isolation, no
unplug.
"""

from __future__ import annotations

from pathlib import Path

from driver.engines.engine import Abilities, BuildEnvironment, Engine
from driver.engines.engine_kind import EngineKind


def _unavailable() -> str:
    from driver.engines.process.namespaces import machine_refusal

    return machine_refusal()


def _abilities() -> Abilities:
    from driver.engines.process.process_abilities import abilities_of

    return abilities_of(isolated=False)


def _holds(project: str) -> bool:
    from driver.engines.process.process_engine import holds

    return holds(project, isolated=False)


def _make(project: str, root: Path, prepare: BuildEnvironment) -> Engine:
    from driver.engines.process.process_engine import ProcessEngine

    return ProcessEngine(project, root, isolated=False)


ENGINE = EngineKind(
    name="plain", rank=300, summary="processes on the loopback network, without isolation",
    unavailable=_unavailable, abilities=_abilities, holds=_holds, make=_make,
)  # fmt: skip
