"""report.html: text, data, styles and scripts of a run's report in one file, which needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache

import msgspec
from jinja2 import Environment
from markupsafe import Markup

from driver.checks.finding import Finding, Status
from driver.forensics.analysis import analyse
from driver.forensics.policy_identification import PolicyIdentification
from driver.histories.history import SERVER
from driver.histories.journal_folder import own_journal
from driver.histories.journals import JOURNALS
from driver.histories.outage_phases import PHASES
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.assets_text import asset
from driver.report.charts.gap_plot import gap_plot
from driver.report.charts.lanes import Timeline, timeline
from driver.report.charts.plot import Plot
from driver.report.charts.scatter import Scatter, scatter
from driver.report.forensics_section import AS_IT_WAS, ForensicsSection, WhatIfRow, forensics_section
from driver.report.page_environment import page_environment
from driver.report.subject import KEY_FIGURES
from driver.report.subject_choice import subject_of
from driver.report.summary import counted_findings, group_findings, summary
from driver.report.view import (
    client_rows,
    configuration,
    fault_rows,
    figures,
    red_says,
    reds_say,
    sorted_findings,
)
from driver.results.judged_run import JudgedRun

SCRIPTS = ("uplot.min.js", "format.js", "lanes.js", "notes.js", "charts.js", "page.js")
STYLES = (
    "uplot.min.css",
    "colours.css",
    "page.css",
    "scroll.css",
    "timeline.css",
    "forensics.css",
    "scatter.css",
    "print.css",
)
LEAST_LABEL_PX, MOST_LABEL_PX = 92, 220
STATUS_WORDS = {Status.passed: "passed", Status.failed: "failed", Status.unknown: "unknown"}


class Data(msgspec.Struct):
    """The data of the scripts. `mounts`: each journal is in a folder of its own."""

    timeline: Timeline
    curves: list[Plot]
    distributions: list[Plot]
    phases: list[dict[str, str]]
    mounts: bool = False


def render_html(run: JudgedRun) -> str:
    """Return the page. Every text in it is escaped; its own policy (CSP) allows its own scripts alone."""
    history = run.history
    found = history.view(analyse)
    reconnection = forensics_section(found)
    subject = subject_of(history)
    pieces = subject.advise(history, run.metrics, run.verdict.findings)
    ranges, scale = _ranges(reconnection)
    script = Markup("\n".join(asset(name) for name in SCRIPTS))
    mounts = own_journal(run.folder / JOURNALS, SERVER).is_file()
    phases = [{"name": phase.name, "key": phase.key} for phase in PHASES]
    plots = subject.curves(history)
    spread = subject.distributions(history)
    data = Data(timeline(history, subject.lanes), plots, spread, phases, mounts)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            script=script,
            script_hash=_hash(script),
            style=Markup("\n".join([*(asset(name) for name in STYLES), _phase_styles()])),
            data=_inline_json(data),
            plots=data.curves,
            distributions=data.distributions,
            record=run.record,
            verdict=run.verdict,
            verdict_word=run.verdict.verdict.word,
            kinds=_kinds(run),
            reds=reds_say(run.verdict.findings),
            counted=counted_findings(run.verdict),
            summary=summary(run, pieces),
            faults=fault_rows(run),
            figures=figures(run, KEY_FIGURES),
            clients=client_rows(run),
            tables=subject.tables(history, run.metrics),
            words=subject.words,
            subject=subject,
            label_px=_label_px(data.timeline),
            tiles=subject.tiles(history, run.metrics.values),
            forensics=reconnection,
            fitted=_fitted(found.naming),
            gaps=gap_plot(found),
            trade_off=_trade_off(reconnection),
            ranges=ranges,
            scale=scale,
            advice=pieces,
            damage=history.damage,
            configuration=configuration(run),
            events=history.count,
            journals=len(history.journals),
            took_s=(history.end_ns - history.begin_ns) / 1e9,
        )
    )


@dataclass(frozen=True)
class _Kinds:
    """The findings of the page: each with its status as a word, and its margin."""

    expected: list[tuple[str, Finding, str]]
    built_in: list[tuple[str, Finding, str]]
    built_in_says: str
    built_in_open: bool


def _kinds(run: JudgedRun) -> _Kinds:
    groups = group_findings(sorted_findings(run))

    def rows(findings: tuple[Finding, ...]) -> list[tuple[str, Finding, str]]:
        return [(STATUS_WORDS[one.status], one, _margin(one)) for one in findings]

    wrong = any(one.status is not Status.passed for one in groups.built_in)
    return _Kinds(rows(groups.expected), rows(groups.built_in), groups.built_in_says, wrong)


def _fitted(naming: PolicyIdentification) -> str:
    """Return the name of the policy whose bounds are in the plot of the gaps."""
    if naming.best is None:
        return ""
    return naming.best.policy.name + (", the nearest known policy," if naming.misfit else "")


def _trade_off(reconnection: ForensicsSection) -> Scatter | None:
    """Return the plot of the what-if; nine of ten draws lie in the intervals."""
    own = next((row.title for row in reconnection.what_if if row.mark == AS_IT_WAS), "")
    return scatter([row.option for row in reconnection.what_if], own)


def _ranges(
    reconnection: ForensicsSection,
) -> tuple[list[tuple[WhatIfRow, float, float, float]], tuple[float, float]]:
    """Return the what-if's ranges on a logarithmic axis, in per cent of it, and the two ends in seconds."""
    low_s = max(0.01, min((row.low_s for row in reconnection.what_if), default=0.01))
    high_s = max(2 * low_s, max((row.high_s for row in reconnection.what_if), default=0.0))

    def at(seconds: float) -> float:
        share = math.log(max(low_s, seconds) / low_s) / math.log(high_s / low_s)
        return round(100 * min(1.0, share), 1)

    rows = [(row, at(row.low_s), at(row.high_s), at(row.mean_s)) for row in reconnection.what_if]
    return rows, (float(f"{low_s:.2g}"), float(f"{high_s:.2g}"))


def _margin(finding: Finding) -> str:
    if finding.margin is None or finding.threshold is None or finding.margin == finding.threshold == 0:
        return ""
    units = {unit.value: unit for unit in Unit}
    unit = units.get(finding.unit, Unit.count)
    return f"{'+' if finding.margin >= 0 else '−'}{write(abs(finding.margin), unit)}"


def _label_px(shown: Timeline) -> int:
    """Return the width of the lanes' names: those of links are long."""
    longest = max((len(lane.name) for lane in shown.lanes), default=0)
    return min(MOST_LABEL_PX, max(LEAST_LABEL_PX, 16 + 7 * longest))


def _inline_json(data: Data) -> Markup:
    """Return JSON in plain ASCII that cannot end the element around it."""
    text = json.dumps(msgspec.to_builtins(data), separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _phase_styles() -> str:
    """Return the colours of an outage's phases, for light and dark pages."""
    light, dark = (
        "".join(f"--phase-{phase.key}: {colour};" for phase, colour in zip(PHASES, colours, strict=True))
        for colours in ([phase.light for phase in PHASES], [phase.dark for phase in PHASES])
    )
    marks = "".join(f".phase-{phase.key} {{ background: var(--phase-{phase.key}); }}" for phase in PHASES)
    return f':root {{ {light} }} :root[data-theme="dark"] {{ {dark} }} {marks}'


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = page_environment()
    environment.filters["seconds"] = lambda value: write(value, Unit.seconds)
    environment.filters["red"] = red_says
    environment.filters["count"] = lambda value: write(value, Unit.count)
    return environment
