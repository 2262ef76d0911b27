"""Makes this machine ready for the lab, step by step, and remembers what it found."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from driver.machine.bases import ensure_bases
from driver.machine.buildenv import BuildSecrets, write_secrets
from driver.machine.engine_install import EngineFound, ensure_engine
from driver.machine.root import state_dir
from driver.machine.shell import Say


@dataclass(frozen=True)
class Machine:
    """A machine that is ready: its engine, the base images by build argument, the build secrets."""

    engine: EngineFound
    bases: dict[str, str]
    secrets: BuildSecrets

    def environment(self) -> dict[str, str]:
        """Variables that compose.yaml reads; pass them to every `docker compose` that may build."""
        return {
            **self.bases,
            "STORMLAB_CA": str(self.secrets.ca),
            "STORMLAB_BUILD_ENV": str(self.secrets.build_env),
        }


def prepare(say: Say) -> Machine:
    """Take any machine to a ready one; seconds where all is there. Raises MachineError otherwise."""
    state = state_dir()
    engine = ensure_engine(say)
    machine = Machine(engine, ensure_bases(say), write_secrets(state))
    lines = [f"{name}={shlex.quote(value)}" for name, value in machine.environment().items()]
    (state / "machine.env").write_text("\n".join(lines) + "\n")
    return machine
