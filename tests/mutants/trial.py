"""One defect before its catchers, the cheap ones first; and the control, which must pass them all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import catchers
from tests.mutants.apply import Defect
from tests.mutants.catchers import Caught, ForkServer, is_dear, is_go
from tests.mutants.sandbox import applied, sandbox


@dataclass(frozen=True)
class Trial:
    """What became of one defect."""

    defect: Defect
    by_simulation: Caught | None
    by_test: Caught | None

    @property
    def survives(self) -> bool:
        """Whether no catcher found it."""
        return self.by_simulation is None and self.by_test is None

    @property
    def why_unseen(self) -> str:
        """Why the simulation alone does not see it."""
        return self.defect.beyond_simulation or "no seed of these drew the trigger"


def attempt(defect: Defect, seeds: int = catchers.SEEDS) -> Trial:
    """Run a defect: the simulation and its cheap tests always, those with real processes where none of them
    caught it.

    Raises DefectError.
    """
    with sandbox(defect) as root:
        if is_go(defect):
            return Trial(defect, None, catchers.by_go(root, defect.tests))
        by_simulation = catchers.by_simulation(root, seeds)
        by_test = catchers.by_tests(root, [test for test in defect.tests if not is_dear(test)])
        if by_simulation is None and by_test is None:
            by_test = catchers.by_tests(root, [test for test in defect.tests if is_dear(test)])
    return Trial(defect, by_simulation, by_test)


def is_fast(defect: Defect) -> bool:
    """Whether a test without real processes notices it."""
    return not is_go(defect) and not all(is_dear(test) for test in defect.tests)


def attempt_fast(defects: Sequence[Defect], jobs: int) -> list[Caught | None]:
    """Return what catches each within about two seconds: its first cheap test. Raises DefectError."""
    with ExitStack() as stack:
        idle: SimpleQueue[tuple[ForkServer, Path]] = SimpleQueue()
        for _ in range(jobs):
            idle.put((stack.enter_context(ForkServer()), stack.enter_context(sandbox(None))))

        def one(defect: Defect) -> Caught | None:
            fork_server, root = idle.get()
            try:
                with applied(defect, root):
                    return catchers.by_tests(
                        root, [t for t in defect.tests if not is_dear(t)][:1], fork_server
                    )
            finally:
                idle.put((fork_server, root))

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, defects))


def control(defects: Collection[Defect], *, fast: bool = False) -> Caught | None:
    """What the catchers find in a copy without a defect: nothing, if they are worth anything."""
    named = dict.fromkeys(test for defect in defects if not is_go(defect) for test in defect.tests)
    go_tests = [test for defect in defects if is_go(defect) for test in defect.tests]
    with sandbox(None) as root:
        if go_tests and (caught := catchers.by_go(root, go_tests)):
            return caught
        if fast:
            return catchers.by_tests(root, [test for test in named if not is_dear(test)])
        return catchers.by_simulation(root) or catchers.by_tests(root, list(named))
