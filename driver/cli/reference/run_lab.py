"""The reference lab of a run: its lock, the replacement of one that is up, and the run's subject."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from driver.engines.engine import Engine
from driver.errors import EngineGoneError, InterruptedCommandError, LabError, UsageError
from driver.interrupts import uninterrupted
from driver.labs.lab_lock import inherited_lock, lab_lock
from driver.reference.labs.lifecycle import LabSnapshot, lab_snapshot, restart_lab
from driver.reference.run_subject import ReferenceSubject
from driver.scenarios.plan import Plan
from driver.terminal import Terminal


@contextmanager
def lab_for_run(
    engine: Engine, words: Sequence[str], replace: bool, inherited: int | None, terminal: Terminal
) -> Iterator[int]:
    """Hold the lab's lock while the command `words` runs; yields its descriptor.

    A lab that is up is replaced if `replace` or the user allows it, and one like it is started afterwards.
    `inherited` is the lock of the parent process, which does all that. Raises UsageError or
    InterruptedCommandError where the lab may not be replaced.
    """
    if inherited is not None:
        with inherited_lock(engine.project, inherited) as lock:
            yield lock
        return
    with lab_lock(engine.project, *words, say=terminal.info) as lock:
        before = lab_snapshot(engine)
        if before is not None and not replace:
            _ask(engine.project, before, terminal)
        try:
            yield lock
        except EngineGoneError:
            raise
        except LabError:
            _restore(engine, before, terminal)
            raise
        _restore(engine, before, terminal)


def subject_on_lab(
    engine: Engine, terminal: Terminal, host: str, port: int | None, plan: Plan
) -> ReferenceSubject:
    """Return the reference system as the subject of a run of a plan. It publishes `host` and `port`."""
    return ReferenceSubject(plan, engine, terminal, host, port)


def _restore(engine: Engine, before: LabSnapshot | None, terminal: Terminal) -> None:
    """Start a lab like the one that was up before, unless that one still is."""
    if before is None:
        return
    try:
        if lab_snapshot(engine) is None:
            work = restart_lab(engine, before, terminal)
            asyncio.run(
                uninterrupted(work, lambda: terminal.info("The lab is still being started; a moment."))
            )
    except LabError as error:
        terminal.warn(f"The lab {engine.project!r} could not be left up: {error.sentence}")


def _ask(project: str, before: LabSnapshot, terminal: Terminal) -> None:
    """Ask whether the lab may be replaced. Raises UsageError or InterruptedCommandError where not."""
    workers = f"{before.workers} worker{'' if before.workers == 1 else 's'}"
    what = f"The lab {project!r} is up with {workers}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{what}; a run needs containers of its own.",
            "With --replace one like it is up afterwards; --project NAME --port N starts another lab.",
        )
    terminal.clear()
    question = f"{what}. Replace it for this run, and start one like it afterwards?"
    if not click.confirm(question, default=False, err=True):
        raise InterruptedCommandError("The lab is as it was; nothing was run.")
