"""Chooses what a report shows, by a run's history. Pure."""

from __future__ import annotations

from driver.forensics.words import words_of
from driver.histories.history import History
from driver.reference.report.subject import REFERENCE_SUBJECT
from driver.report.subject import SYSTEM_SUBJECT, ReportSubject


def subject_of(history: History) -> ReportSubject:
    """Return the subject of a run's history."""
    return SUBJECTS[words_of(history)]


SUBJECTS = {one.words: one for one in (SYSTEM_SUBJECT, REFERENCE_SUBJECT)}
