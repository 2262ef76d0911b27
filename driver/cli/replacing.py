"""Gives a run its lab: the lock, and leave to replace a lab that is up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from driver.engines.engine import Engine
from driver.errors import StoppedError, WrongUseError
from driver.labs.lab_before import lab_before
from driver.labs.lab_lock import inherited_lock, lab_lock
from driver.terminal import Terminal


@contextmanager
def lab_for_run(
    engine: Engine, words: Sequence[str], replace: bool, inherited: int | None, terminal: Terminal
) -> Iterator[int]:
    """Hold the lab for a run, the command `words`; yields the lock. Raises WrongUseError or StoppedError.

    `inherited` is the lock that the parent process holds, which has asked already.
    """
    if inherited is not None:
        with inherited_lock(engine.project, inherited) as lock:
            yield lock
        return
    with lab_lock(engine.project, *words, say=terminal.say) as lock:
        _ask(engine, replace, terminal)
        yield lock


def _ask(engine: Engine, replace: bool, terminal: Terminal) -> None:
    """Return where no lab is up, or where it may be replaced. Raises WrongUseError or StoppedError."""
    if replace or (before := lab_before(engine)) is None:
        return
    workers = f"{before.workers} worker{'' if before.workers == 1 else 's'}"
    what = f"The lab {engine.project!r} is up with {workers}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUseError(
            f"{what}; a run needs containers of its own.",
            "With --replace its like is left up afterwards; --project NAME --port N makes another lab.",
        )
    terminal.clear()
    question = f"{what}. Replace it for this run, and leave its like up afterwards?"
    if not click.confirm(question, default=False, err=True):
        raise StoppedError("The lab is as it was; nothing was run.")
