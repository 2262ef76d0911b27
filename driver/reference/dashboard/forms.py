"""A fault as the page of the reference system's lab describes it."""

from __future__ import annotations

from typing import Any

from chaos.targets import CORE, Fleet, TargetError
from driver.dashboard.forms import FilledForm, FormError, read_form
from driver.errors import UsageError
from driver.labs.injection_plan import plan_injection
from driver.labs.project_name import project_option
from driver.scenarios.flag_values import parse_duration

SELECTIONS = ("all", "30%", "random 3", "coordinator", "toxiproxy")


def fill(form: dict[str, Any], workers: int, project: str) -> FilledForm:
    """Return the fault that a form describes, for a lab of that many workers. Raises FormError."""
    read = read_form(form)
    targets = read.targets or "all"
    try:
        Fleet(workers, read.seed).select(targets, "by-hand")
    except TargetError as error:
        raise FormError("targets", str(error)) from None
    try:
        for_s = parse_duration("--for", read.for_text or None)
        planned = plan_injection(read.fault, read.params, targets, for_s, read.seed, workers)
    except UsageError as error:
        raise FormError("for" if "--for" in error.sentence else "", error.sentence) from None
    words = ["inject", read.fault, "--workers", targets, *read.words(), *project_option(project).split()]
    hits = planned[0].targets
    spares = workers - sum(name not in CORE for name in hits)
    return FilledForm(tuple(hits), spares, read.seed, words)
