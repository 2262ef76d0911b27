"""submitted = completed + failed + waiting + assigned, at every instant that was written down, and at the end."""

from __future__ import annotations

from itertools import pairwise

from driver.checks.check import Check, Params
from driver.events import LastState
from driver.findings import Finding, failed, passed, show, unknown
from driver.history import History
from driver.metrics import Metrics
from driver.task_lives import task_book
from wire.events import Totals

NAME = "books_balance"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Also: no sum that only grows ever shrinks (through restarts too), and the last books agree with the lines."""
    books = history.of(Totals)
    if not books:
        return unknown(NAME, "the coordinator wrote no totals")
    wrong = [
        book
        for book in books
        if book.submitted != book.completed + book.failed + book.waiting + book.assigned
    ]
    if wrong:
        off = wrong[0].submitted - wrong[0].completed - wrong[0].failed - wrong[0].waiting - wrong[0].assigned
        because = f"{len(wrong)} of {len(books)} books do not balance: {off:+d} tasks in the first"
        return failed(
            NAME, because, measured=off, threshold=0, margin=-abs(off), evidence=show(history, wrong)
        )
    for before, after in pairwise(books):
        if any(getattr(after, name) < getattr(before, name) for name in ("submitted", "completed", "failed")):
            because = "a sum that can only grow has shrunk"
            return failed(NAME, because, evidence=show(history, [before, after]))
    return _last(history, books)


def _last(history: History, books: list[Totals]) -> Finding:
    book = history.view(task_book)
    lives = book.promised
    last = books[-1]
    done = [life for life in book.lives.values() if life.result and life.result.at_ns <= last.at_ns]
    told = {
        "submitted": sum(1 for life in lives if life.submitted and life.submitted.at_ns <= last.at_ns),
        "completed": sum(1 for life in done if life.result and life.result.outcome == "completed"),
        "failed": sum(1 for life in done if life.result and life.result.outcome != "completed"),
    }
    off = {name: getattr(last, name) - count for name, count in told.items() if getattr(last, name) != count}
    if off:
        name, count = next(iter(off.items()))
        because = f"the last book says {name}={getattr(last, name)}, its own lines add up to {told[name]}"
        evidence = show(history, [last, *history.of(LastState)[-1:]])
        return failed(NAME, because, measured=count, threshold=0, margin=-abs(count), evidence=evidence)
    because = f"{len(books)} books balance, and the last agrees with its lines: {last.submitted} submitted"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="submitted = completed + failed + waiting + assigned, at every instant and at the end.",
    judge=judge,
    always=True,
)
