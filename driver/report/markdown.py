"""report.md, for a pull request or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from driver.checks.finding import Evidence, Finding, Status
from driver.forensics.analysis import analyse
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report import text
from driver.report.forensics_section import forensics_section
from driver.report.subject_choice import subject_of
from driver.report.summary import counted_findings, group_findings, summary
from driver.report.view import (
    STATUS_ICONS,
    VERDICT_ICONS,
    because_with_red,
    client_rows,
    configuration,
    fault_rows,
    figures,
    reds_say,
    sorted_findings,
)
from driver.results.judged_run import JudgedRun


@dataclass(frozen=True)
class _Row:
    icon: str
    check: str
    because: str
    evidence: tuple[Evidence, ...]


def render_markdown(run: JudgedRun) -> str:
    """Return the report. Every value in it is escaped."""
    history = run.history
    subject = subject_of(history)
    pieces = subject.advise(history, run.metrics, run.verdict.findings)
    groups = group_findings(sorted_findings(run))
    return (
        _environment()
        .get_template("report.md.j2")
        .render(
            record=run.record,
            icon=VERDICT_ICONS[run.verdict.verdict],
            verdict=run.verdict.verdict.word,
            counted=counted_findings(run.verdict),
            notes=run.verdict.notes,
            took_s=(history.end_ns - history.begin_ns) / 1e9,
            load=subject.load(history, run.metrics.values),
            events=history.count,
            journals=len(history.journals),
            summary=summary(run, pieces),
            reds=reds_say(run.verdict.findings),
            expected=_rows(groups.expected),
            built_in=_rows(groups.built_in),
            built_in_says=groups.built_in_says,
            built_in_open=any(one.status is not Status.passed for one in groups.built_in),
            faults=fault_rows(run),
            figures=figures(run),
            clients=client_rows(run),
            words=subject.words,
            subject=subject,
            forensics=forensics_section(history.view(analyse)),
            advice=pieces,
            damage=history.damage,
            configuration=configuration(run),
        )
    )


def _rows(findings: Sequence[Finding]) -> list[_Row]:
    return [
        _Row(STATUS_ICONS[one.status], one.check, because_with_red(one), one.evidence) for one in findings
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("driver.report", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_harmless,
        autoescape=False,
    )
    environment.filters["code"] = lambda value: Markup(text.code(str(value)))
    environment.filters["plain"] = lambda value: Markup(text.printable(str(value)).replace("`", "'"))
    environment.filters["seconds"] = lambda value: Markup(write(value, Unit.seconds))
    return environment


def _harmless(value: object) -> object:
    return value if isinstance(value, Markup) else text.escape_markdown(str(value))
