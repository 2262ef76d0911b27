"""Questions of a run that load after its last fault may still decide. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from driver.histories.events import Receipt
from driver.histories.history import History
from driver.judging.expectations import Question
from driver.judging.receipt_rebuild import rebuild_receipts
from driver.metrics import measure_on_demand


def open_questions(history: History, links: Sequence[str], asked: Sequence[Question]) -> list[str]:
    """Return the names of the questions that a history does not decide yet, by their own words.

    Its receipts are made of it first; `links` are all that the prober observes. One that cannot be made
    leaves its fault without one.
    """
    try:
        rebuild_receipts(history, links)
    except Exception:
        history.put(Receipt, [])
    metrics = measure_on_demand(history)
    return [one.name for one in asked if not one.decided(history, metrics)]
