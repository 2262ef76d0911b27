"""One kind of engine, as a file of driver/engines/kinds/ declares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from driver.engines.engine import Abilities, BuildEnvironment, Engine


@dataclass(frozen=True)
class EngineKind:
    """An engine that `--engine` names. Only its calls import the engine's own libraries.

    Of the kinds that can start a lab here, the one with the smallest `rank` is the default. `summary` is a
    few words for the help.

    `unavailable` returns why it can start no lab on this machine, as a sentence; "" where it can. `abilities`
    returns what it does on this machine. `holds` returns whether there are parts of a lab of that name; False
    where the engine does not answer. `is_silent` returns whether it is on this machine and does not answer:
    it may hold a lab that cannot be seen. These four are bounded by a few seconds, and raise nothing.

    `make` returns the engine of one lab, for the project's name, the folder of compose.yaml, and what
    prepares this machine for a build. It raises nothing.
    """

    name: str
    rank: int
    summary: str
    unavailable: Callable[[], str]
    abilities: Callable[[], Abilities]
    holds: Callable[[str], bool]
    make: Callable[[str, Path, BuildEnvironment], Engine]
    is_silent: Callable[[], bool] = lambda: False
