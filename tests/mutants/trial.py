"""One defect before its catchers, the cheap ones first; and the control, which must pass them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.mutants import catchers
from tests.mutants.apply import Defect
from tests.mutants.catchers import Caught, is_dear
from tests.mutants.sandbox import sandbox


@dataclass(frozen=True)
class Trial:
    """What became of one defect."""

    defect: Defect
    by_simulation: Caught | None
    by_test: Caught | None

    @property
    def survives(self) -> bool:
        """Whether nobody noticed."""
        return self.by_simulation is None and self.by_test is None

    def complaint(self) -> str:
        """What is wrong with this outcome, in a sentence; "" when nothing is."""
        name, beyond = self.defect.name, self.defect.beyond_simulation
        if self.survives:
            return f"{name} survives: nothing notices that {self.defect.wrong}"
        if self.by_simulation is None and not beyond:
            return f"{name} is not seen by the simulation, and does not say why (beyond_simulation)"
        if self.by_simulation is not None and beyond:
            return f"{name} is seen by the simulation after all: strike out beyond_simulation"
        return ""


def attempt(defect: Defect, seeds: int = catchers.SEEDS) -> Trial:
    """Run a defect: the simulation always, its cheap tests always, those with real processes where nobody
    noticed so far.

    Raises DefectError.
    """
    with sandbox(defect) as root:
        by_simulation = catchers.simulation(root, seeds)
        by_test = catchers.tests(root, [test for test in defect.tests if not is_dear(test)])
        if by_simulation is None and by_test is None:
            by_test = catchers.tests(root, [test for test in defect.tests if is_dear(test)])
    return Trial(defect, by_simulation, by_test)


def attempt_fast(defect: Defect) -> Caught | None:
    """Who notices a defect within two seconds or so: its first cheap test. Raises DefectError."""
    with sandbox(defect) as root:
        return catchers.tests(root, [test for test in defect.tests if not is_dear(test)][:1])


def control(defects: Iterable[Defect], *, fast: bool = False) -> Caught | None:
    """What the catchers find in a copy without a defect: nothing, if they are worth anything."""
    named = dict.fromkeys(test for defect in defects for test in defect.tests)
    with sandbox(None) as root:
        if fast:
            return catchers.tests(root, [test for test in named if not is_dear(test)])
        return catchers.simulation(root) or catchers.tests(root, list(named))
