"""Answers are withheld after a heal: an outage that lasts until the last operation."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.claims.operations import is_ok
from driver.controls.control import Altered, Control, replaced, when
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import UNKNOWN, Operation
from driver.nouns import counted


def alter(history: History) -> Iterator[Altered]:
    """Withhold all answers but the last one between each heal and the next fault, for each heal."""
    run = history.view(run_timeline)
    for heal_ns in run.heals:
        until_ns = run.quiet_until_ns(heal_ns)
        answered = [
            one for one in history.of(Operation) if is_ok(one) and heal_ns < one.return_ns <= until_ns
        ]
        last = max(answered, key=lambda one: one.return_ns, default=None)
        pairs = [(one, replace(one, outcome=UNKNOWN)) for one in answered if one is not last]
        if pairs:
            change = f"{counted(len(pairs), 'answer')} withheld after the heal {when(history, heal_ns)}"
            yield Altered(change, replaced(history, pairs))


CONTROL = Control("answers_withheld", "An outage lasts on after a heal.", alter, (Operation,), rank=365)
