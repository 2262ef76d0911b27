"""Takes the suite's entries one after the other: what broke one does not end the rest, a stop does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from driver.suite.entry import Outcome, Result

UNEXPECTED = (Outcome.failed, Outcome.inconclusive)


def conduct(
    names: Sequence[str],
    perform: Callable[[str], Result],
    stopped: Callable[[], bool],
    told: Callable[[list[Result]], None],
    fail_fast: bool = False,
) -> list[Result]:
    """Perform every entry; a result for each, in order. `told` hears the results so far, after each.

    After a stop, or with `fail_fast` after anything unexpected, the rest is not run.
    """
    results: list[Result] = []
    for place, name in enumerate(names):
        if stopped():
            return [*results, *not_run(names[place:], "the suite was stopped before it")]
        if fail_fast and any(one.outcome in UNEXPECTED for one in results):
            return [*results, *not_run(names[place:], "--fail-fast ended the suite before it")]
        results.append(perform(name))
        told(results)
    return results


def not_run(names: Sequence[str], because: str) -> list[Result]:
    """The results of entries that the suite never came to."""
    return [Result(name=name, outcome=Outcome.not_run, because=because) for name in names]
