"""The kinds of engines that run a lab as processes of this machine: isolated from each other, or not."""

from __future__ import annotations

from pathlib import Path

from driver.engines.engine import Abilities, BuildEnvironment, Engine
from driver.engines.engine_kind import EngineKind


def process_kind(name: str, rank: int, summary: str, *, isolated: bool) -> EngineKind:
    """Return the kind of that name. Its calls import the engine: most commands need none of it."""

    def unavailable() -> str:
        from driver.engines.process import namespaces

        return namespaces.refusal() if isolated else namespaces.machine_refusal()

    def abilities() -> Abilities:
        from driver.engines.process.process_abilities import abilities_of

        return abilities_of(isolated=isolated)

    def holds(project: str) -> bool:
        from driver.engines.process import process_engine

        return process_engine.holds(project, isolated=isolated)

    def make(project: str, root: Path, prepare: BuildEnvironment) -> Engine:
        from driver.engines.process.process_engine import ProcessEngine

        return ProcessEngine(project, root, isolated=isolated)

    return EngineKind(name, rank, summary, unavailable, abilities, holds, make)
