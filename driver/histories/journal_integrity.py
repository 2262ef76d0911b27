"""Integrity of journals, by their seals and by what the driver noted when it collected them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from driver.histories.events import JournalNoted
from driver.histories.history import DRIVER, Damage, JournalRead
from wire.events import ProcessStopping
from wire.journal_chain import ChainRead


def integrity_damage(journals: Mapping[str, JournalRead]) -> list[Damage]:
    """Return one Damage (`hole`) for each sealed journal with lines removed, added or altered."""
    noted = _noted(journals)
    uncollected = uncollected_journals(journals)
    found = []
    for name, journal in journals.items():
        if journal.chain is None or (not journal.events and name not in uncollected):
            continue
        lines, because = _wrong(journal.chain, noted.get(name))
        if name in uncollected:
            lines, because = len(journal.events), "did not exist when the journals were collected"
        if because:
            found.append(Damage(name, "hole", lines, f"{name}.jsonl: {because}"))
    return found


def uncollected_journals(journals: Mapping[str, JournalRead]) -> frozenset[str]:
    """Return the names of the journals that did not exist at collection: they are no part of the run."""
    noted = _noted(journals)
    driver = journals.get(DRIVER)
    # The notes of a driver that was killed, or whose own lines are missing, are incomplete.
    if not noted or driver is None or not isinstance(driver.events[-1], ProcessStopping):
        return frozenset()
    return frozenset(name for name in journals if name not in noted and name != DRIVER)


def _noted(journals: Mapping[str, JournalRead]) -> dict[str, JournalNoted]:
    driver = journals.get(DRIVER)
    events = driver.events if driver else ()
    return {event.journal: event for event in events if isinstance(event, JournalNoted)}


def _wrong(chain: ChainRead, noted: JournalNoted | None) -> tuple[int, str]:
    """Return the number of wrong lines and the sentence about them; (0, "") for a whole journal."""
    if not chain.is_sealed:
        return 1, "no line has a seal, although this run was written with seals"
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
    return 1, f"{noted.size_bytes} bytes were collected, and {chain.size_bytes} exist now"
