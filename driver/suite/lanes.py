"""Runs entries of a suite side by side where they share nothing, and one after the other where they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from driver.suite.entry import EntryOutcome, EntryResult

WHOLE_MACHINE = ""
"""What an entry uses beside which no other one runs."""
LOOK_EVERY_S = 0.5
"""How often a stop is looked for while entries run."""
UNEXPECTED = (EntryOutcome.failed, EntryOutcome.inconclusive)


def run_entries(
    names: Sequence[str],
    run: Callable[[str], EntryResult],
    stopped: Callable[[], bool],
    report: Callable[[list[EntryResult]], None],
    fail_fast: bool = False,
    at_once: int = 1,
    uses: Callable[[str], str] = lambda name: WHOLE_MACHINE,
) -> list[EntryResult]:
    """Return a result for every entry, in order. `report` is called after each with the results so far, in
    the order of their ends.

    At most `at_once` run at a time; two with the same `uses` never do. After a stop, or with `fail_fast`
    after an unexpected outcome, the rest is not run.
    """
    assert at_once >= 1
    ended: list[EntryResult] = []
    waiting, running = list(names), dict[Future[EntryResult], str]()
    because = ""
    with ThreadPoolExecutor(at_once) as lanes:
        while waiting or running:
            because = because or _why_end(stopped(), fail_fast, ended)
            while not because and (name := _next(waiting, list(running.values()), at_once, uses)) is not None:
                waiting.remove(name)
                running[lanes.submit(run, name)] = name
            if not running:
                break
            done, _ = wait(running, LOOK_EVERY_S, FIRST_COMPLETED)
            for one in done:
                del running[one]
                ended.append(one.result())
                report(list(ended))
    return in_order(names, ended, because)


def run_busy_again(
    ended: Sequence[EntryResult],
    run: Callable[[str], EntryResult],
    stopped: Callable[[], bool],
    report: Callable[[list[EntryResult]], None],
) -> list[EntryResult]:
    """Return the results with a second one for each entry that the machine was too busy to decide.

    These run alone: what else of the suite kept the machine busy has ended. `report` as of `run_entries`.
    """
    results = list(ended)
    for at, one in enumerate(ended):
        if one.busy and not stopped():
            results[at] = run(one.name)
            report([*results[:at], *results[at + 1 :], results[at]])
    return results


def in_order(names: Sequence[str], ended: Sequence[EntryResult], because: str) -> list[EntryResult]:
    """Return a result for every name, in order; those that have not ended are not run, `because` of that."""
    found = {one.name: one for one in ended}
    return [
        found.get(name) or EntryResult(name=name, outcome=EntryOutcome.not_run, because=because)
        for name in names
    ]


def _next(
    waiting: Sequence[str], running: Sequence[str], at_once: int, uses: Callable[[str], str]
) -> str | None:
    """Return the first entry that may begin beside those that run; None where none may."""
    taken = {uses(name) for name in running}
    if len(running) >= at_once or WHOLE_MACHINE in taken:
        return None
    return next(
        (name for name in waiting if not running or uses(name) not in {WHOLE_MACHINE, *taken}),
        None,
    )


def _why_end(is_stopped: bool, fail_fast: bool, ended: Sequence[EntryResult]) -> str:
    """Return why no further entry begins; "" where more may."""
    if is_stopped:
        return "the suite was stopped before it"
    if fail_fast and any(one.outcome in UNEXPECTED for one in ended):
        return "--fail-fast ended the suite before it"
    return ""
