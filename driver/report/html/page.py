"""Puts report.html together: the page's text, its data, its styles and its scripts, all in the one file."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from driver.judging.findings import Finding, Status
from driver.metrics.metric import Unit
from driver.report.advice import advise
from driver.report.analysis import analyses
from driver.report.html.curves import Plot, curves
from driver.report.html.lanes import Timeline, timeline
from driver.report.html.spreads import spreads
from driver.report.text import printable
from driver.report.view import (
    KEY_FIGURES,
    VERDICT_WORDS,
    configuration,
    fault_rows,
    figures,
    sorted_findings,
    worker_rows,
)
from driver.runs.store import Judged
from driver.scenarios.quantities import write

SCRIPTS = ("uplot.min.js", "format.js", "lanes.js", "notes.js", "charts.js", "page.js")
STYLES = ("uplot.min.css", "page.css", "timeline.css", "print.css")
STATUS_WORDS = {Status.passed: "passed", Status.failed: "failed", Status.unknown: "unknown"}


class Data(msgspec.Struct):
    """What the scripts draw."""

    timeline: Timeline
    curves: list[Plot]
    spreads: list[Plot]


def render_html(run: Judged) -> str:
    """The whole page.

    Every text in it is escaped; data and scripts are told apart by the page's own policy.
    """
    history = run.history
    script = Markup("\n".join(_asset(name) for name in SCRIPTS))
    data = Data(timeline(history), curves(history), spreads(history))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            script=script,
            script_hash=_hash(script),
            style=Markup("\n".join(_asset(name) for name in STYLES)),
            data=_inline_json(data),
            plots=data.curves,
            spreads=data.spreads,
            record=run.record,
            verdict=run.verdict,
            verdict_word=VERDICT_WORDS[run.verdict.verdict],
            findings=[
                (STATUS_WORDS[finding.status], finding, _margin(finding)) for finding in sorted_findings(run)
            ],
            faults=fault_rows(run),
            figures=figures(run, KEY_FIGURES),
            workers=worker_rows(run),
            tables=analyses(history, run.metrics),
            advice=advise(history, run.metrics),
            damage=history.damage,
            configuration=configuration(run),
            metrics=run.metrics.values,
            events=history.count,
            journals=len(history.journals),
            took_s=(history.end_ns - history.begin_ns) / 1e9,
        )
    )


def _margin(finding: Finding) -> str:
    if finding.margin is None or finding.threshold is None or finding.margin == finding.threshold == 0:
        return ""
    units = {unit.value: unit for unit in Unit}
    unit = units.get(finding.unit, Unit.count)
    return f"{'+' if finding.margin >= 0 else '−'}{write(abs(finding.margin), unit)}"


def _inline_json(data: Data) -> Markup:
    """JSON in plain ASCII that cannot end the element it stands in."""
    text = json.dumps(msgspec.to_builtins(data), separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (resources.files("driver.report.html") / "assets" / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("driver.report.html", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters["seconds"] = lambda value: write(value, Unit.seconds)
    environment.filters["count"] = lambda value: write(value, Unit.count)
    return environment
