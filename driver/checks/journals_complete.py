"""Every process left a whole journal."""

from __future__ import annotations

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, unknown
from driver.histories.history import History
from driver.histories.journal_gaps import gaps
from driver.metrics import Metrics

NAME = "journals_complete"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed. A line that a kill tore is no gap: its action is not done."""
    if not history.journals:
        return unknown(NAME, "the run has no journal")
    found = history.view(gaps)
    if found:
        others = f", and {len(found) - 1} more: {', '.join(list(found)[1:5])}" if len(found) > 1 else ""
        return unknown(NAME, next(iter(found.values())) + others, measured=len(found), threshold=0)
    torn = [damage.journal for damage in history.damage if damage.what == "torn"]
    aside = f"; the last line of {', '.join(torn)} was torn by a kill" if torn else ""
    files = history.files
    events = sum(len(journal.events) for journal in files)
    return passed(NAME, f"{len(files)} journals with {events} events are whole{aside}", measured=0)


CHECK = Check(
    name=NAME,
    rank=110,
    claim="Every process left a whole journal.",
    judge=judge,
    broken_by=("journal_forgotten",),
    always=True,
    decided=of_any_load,
    fails=False,
    on_system=judge,
)
