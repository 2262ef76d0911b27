"""Where journals are not as they were written: what their seals say, and what the driver noted of each when
it collected them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from driver.histories.events import JournalNoted
from driver.histories.history import DRIVER, Damage, JournalRead
from wire.events import ProcessStopping
from wire.journal_chain import ChainRead


def holes(journals: Mapping[str, JournalRead]) -> list[Damage]:
    """One for each sealed journal from which lines were taken, or in which any were added or altered."""
    noted = _noted(journals)
    uncollected = strangers(journals)
    found = []
    for name, journal in journals.items():
        if journal.chain is None or (not journal.events and name not in uncollected):
            continue
        lines, because = _wrong(journal.chain, noted.get(name))
        if name in uncollected:
            lines, because = len(journal.events), "was not there when the journals were collected"
        if because:
            found.append(Damage(name, "hole", lines, f"{name}.jsonl: {because}"))
    return found


def strangers(journals: Mapping[str, JournalRead]) -> frozenset[str]:
    """The journals that were not there when the driver collected all: nothing of them is part of the run."""
    noted = _noted(journals)
    driver = journals.get(DRIVER)
    # A driver that was killed, or whose own lines are gone, noted nothing that could be relied on.
    if not noted or driver is None or not isinstance(driver.events[-1], ProcessStopping):
        return frozenset()
    return frozenset(name for name in journals if name not in noted and name != DRIVER)


def _noted(journals: Mapping[str, JournalRead]) -> dict[str, JournalNoted]:
    driver = journals.get(DRIVER)
    events = driver.events if driver else ()
    return {event.journal: event for event in events if isinstance(event, JournalNoted)}


def _wrong(chain: ChainRead, noted: JournalNoted | None) -> tuple[int, str]:
    """How many lines are wrong, and the sentence; (0, "") when the journal is whole."""
    if not chain.is_sealed:
        return 1, "no line carries a seal, though this run was written with seals"
    if chain.breaks:
        missing = sum(max(0, one.missing) for one in chain.breaks)
        in_all = f" ({missing} lines are missing in all)" if missing else ""
        more = f", and {len(chain.breaks) - 1} more such places{in_all}" if len(chain.breaks) > 1 else ""
        return sum(abs(one.missing) or 1 for one in chain.breaks), f"{chain.breaks[0]}{more}"
    if noted is None or (noted.lines, noted.head, noted.size_bytes) == (
        chain.lines, chain.head, chain.size_bytes
    ):  # fmt: skip
        return 0, ""
    if noted.lines > chain.lines:
        missing = noted.lines - chain.lines
        return missing, f"{missing} lines are missing after line {chain.lines}, where it ends"
    return 1, f"{noted.size_bytes} bytes were collected, and {chain.size_bytes} are there now"
