"""Where a command acts: the reference lab of a project, or the system of a Compose file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from chaos.anchor import AnchorEntry
from driver.engines.engine import FaultEngine
from driver.errors import NoLabError
from driver.labs.heal import restore_stale_if_free
from driver.labs.injection_site import InjectionSite
from driver.nouns import counted
from driver.scenarios.plan import PlannedFault
from driver.terminal import Terminal


class Place(Protocol):
    """A lab or a system; what it reads raises NoLabError where it is not up, and EngineError."""

    @property
    def project(self) -> str:
        """The project of its containers, which has one lock."""

    @property
    def words(self) -> Sequence[str]:
        """The words of a command line that name it, for the record of its lock; none for a project."""

    @property
    def named(self) -> str:
        """What it is called in a sentence."""

    @property
    def subject(self) -> str:
        """What a sentence begins with that is about it."""

    @property
    def new_hint(self) -> str:
        """How to start it from the beginning."""

    def engine(self) -> FaultEngine:
        """Return its engine."""

    def site(self) -> InjectionSite:
        """Return it as a lab with links."""

    def plan(
        self,
        fault: str,
        params: Mapping[str, Any],
        selection: str,
        for_s: float | None,
        seed: int,
        when: AnchorEntry | None = None,
    ) -> tuple[list[PlannedFault], str]:
        """Return the plan of one fault by hand, and what there is to hit. Raises UsageError."""


def place_of(project: str, system: Path | None) -> Place:
    """Return the system of a file where one is given, else the lab of a project."""
    if system is None:
        # Imported here: the commands of a system do not need it.
        from driver.cli.reference.lab_place import LabPlace

        return LabPlace(project)
    # Imported here: the commands of the lab do not need it.
    from driver.cli.system_place import SystemPlace

    return SystemPlace(system)


def or_a_system(error: NoLabError) -> NoLabError:
    """Return the error of a command that found no lab, with the words that name a system that is up."""
    # Imported here: the commands of the lab do not need it.
    from driver.cli.system_place import systems_up

    systems = systems_up()
    if not systems:
        return error
    add = " or ".join(f"--system {shlex.quote(one)}" for one in systems)
    up = f"{counted(len(systems), 'system')} of your own {'is' if len(systems) == 1 else 'are'} up"
    return NoLabError(error.sentence, f"{up}: add {add}. For a lab: {error.hint}")


def restore_stale_of(place: Place, terminal: Terminal) -> None:
    """Restore containers from faults whose command was killed, unless a command holds the place."""
    restore_stale_if_free(place.engine(), terminal)
