"""When the load of a run may end before its planned end: once no more of it can alter what is judged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from driver.histories.journals import JOURNALS
from driver.histories.live_journals import LiveJournals
from driver.judging.expectations import questions
from driver.judging.open_questions import open_questions
from driver.scenarios.plan import Plan
from driver.scenarios.thresholds import parse_expectations

LOOK_EVERY_S = 0.1
REST = 1.0
"""After each look at the journals it rests for as long as the look took, times this: they may be long."""
_log = logging.getLogger("stormlab.run")


class LoadEnd:
    """Judges a run while it goes on, by the journals in its `folder`. `links` are all that are probed."""

    def __init__(self, plan: Plan, folder: Path, links: Sequence[str]) -> None:
        expected = parse_expectations([*plan.expect, *plan.checks])
        self._asked = questions(expected, len(plan.faults))
        self._links = links
        self._journals = LiveJournals([folder / JOURNALS], whole=True)

    async def is_early(self, from_ns: int, end_ns: int, is_answered: Callable[[int], bool]) -> bool:
        """Wait until `end_ns`, at most; return earlier, with True, once everything is decided.

        Nothing is looked at before `from_ns`, nor before all load that was due until then is answered, as
        `is_answered` says of that instant.
        """
        await _until(from_ns)
        while (now_ns := time.monotonic_ns()) < end_ns:
            if is_answered(from_ns):
                open_ = await asyncio.to_thread(self._open)
                if not open_:
                    return True
                _log.debug("not decided yet: %s", ", ".join(open_))
            took_s = (time.monotonic_ns() - now_ns) / 1e9
            await asyncio.sleep(min(LOOK_EVERY_S + REST * took_s, max(0.0, (end_ns - now_ns) / 1e9)))
        return False

    def _open(self) -> list[str]:
        return open_questions(self._journals.read(), self._links, self._asked)


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
