"""Exit codes of `lab.py`, which its --help lists."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command."""

    PASSED = 0
    FAILED = 1
    INCONCLUSIVE = 2
    WRONG_USE = 64
    LAB_BROKE = 70


MEANING = {
    ExitCode.PASSED: "done; for a scenario: passed, or an expected failure",
    ExitCode.FAILED: "failed: the system under test did not do what was expected, or does not start",
    ExitCode.INCONCLUSIVE: "inconclusive: nothing proved either way (an unseen fault, no traffic)",
    ExitCode.WRONG_USE: "wrong use: a bad flag or file, an unknown name, a port that is taken",
    ExitCode.LAB_BROKE: "the lab itself broke: no Docker, a container of its own that would not start",
}
