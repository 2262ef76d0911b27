"""Catalogue of claims: each module of this package that is named for a kind defines one."""

from __future__ import annotations

from types import ModuleType

from driver.checks import unless_busy, unless_gap
from driver.checks.finding import Finding, Status, unknown
from driver.claims.claim import Claim, Names
from driver.claims.sentences import nearest_form, slots_of
from driver.histories.history import History
from driver.own_classes import own_classes
from wire.declarations import declarations, named


def _kind(module: ModuleType) -> type[Claim] | None:
    """Return the claim that a module defines, None without one."""
    return next((one for one in own_classes(module) if issubclass(one, Claim)), None)


CLAIMS: dict[str, type[Claim]] = named(
    declarations(
        "driver.claims",
        _kind,
        "a class derived from Claim, with all its methods",
        besides=(
            *(
                "catalogue",
                "cells",
                "claim",
                "early_errors",
                "evidence",
                "linearizability",
                "operations",
                "readings",
            ),
            *("reading_threshold", "reads_and_writes", "sentences", "time_windows", "windows"),
        ),
        rank=lambda kind: kind.rank,
    ),
    lambda kind: [(kind.name, kind)],
)
"""All kinds of claims by their names, in the order of their ranks."""


RAISED = "the claim itself raised"


def parse_claim(text: str, names: Names | None = None) -> Claim | None:
    """Return the claim of a sentence; None where it is not meant to be one.

    Raises ValueError where it is one with an error: the nearest words, or the names that there are. `names`
    is None where a stored run is judged: what it names was there.
    """
    stripped = " ".join(text.split())
    for kind in CLAIMS.values():
        for form in kind.forms:
            bound = slots_of(form, stripped)
            if bound is not None:
                return kind.of(stripped, form, bound, names)
    form, difference = nearest_form(stripped, (form for kind in CLAIMS.values() for form in kind.forms))
    if form:
        raise ValueError(f"expected a sentence like '{example_of(form)}' ({form}); {difference}")
    return None


def example_of(form: str) -> str:
    """Return the example of the kind that has a form."""
    return next(kind.example for kind in CLAIMS.values() if form in kind.forms)


def judge_claim(claim: Claim, history: History) -> Finding:
    """Return a claim's finding by itself. An exception in it is unknown, with its text."""
    try:
        return claim.judge(history)
    except Exception as error:
        return unknown(claim.text, f"{RAISED} {type(error).__name__}: {str(error)[:500]}")


def claim_with_reservations(claim: Claim, history: History, finding: Finding) -> Finding:
    """Return a claim's own finding as it holds in a run: a failure is unknown where a journal may lack lines
    or, of a claim about time, where the machine was too busy.
    """
    found = unless_gap(history, finding, claim.journals_needed)
    return unless_busy(history, found) if claim.time_sensitive or found.status is Status.unknown else found
