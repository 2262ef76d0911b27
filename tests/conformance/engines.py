"""The engines that the conformance suite runs on, and what it says of those that it does not."""

from __future__ import annotations

import os
from functools import cache

from chaos.abilities import Ability
from driver.engines.catalogue import KINDS
from driver.engines.engine_kind import EngineKind

ASKED = "STORMLAB_CONFORMANCE"
"""The variable that names the engines to run on, with commas between them; unset: all that answer here."""


@cache
def unavailable() -> dict[str, str]:
    """Why each engine cannot start a lab here; "" for one that can."""
    return {name: kind.unavailable() for name, kind in KINDS.items()}


def asked() -> list[str]:
    """The names of the engines that were asked for, known or not; none where the variable is unset."""
    return [name.strip() for name in os.environ.get(ASKED, "").split(",") if name.strip()]


def running() -> list[EngineKind]:
    """The engines that the suite runs on: those that were asked for and answer, else all that answer."""
    wanted = asked() or list(KINDS)
    return [kind for name, kind in KINDS.items() if name in wanted and not unavailable()[name]]


def having(ability: Ability) -> list[EngineKind]:
    """Those of them that have an ability on this machine."""
    return [kind for kind in running() if ability in kind.abilities().by]


def said() -> list[str]:
    """A line about each engine: that it runs, or why it does not."""
    wanted = asked()
    lines = []
    for name, why in unavailable().items():
        left_out = "" if not wanted or name in wanted else f"{ASKED} leaves it out"
        lines.append(f"engine {name}: {why or left_out or 'runs'}")
    return lines
