"""The reports of a trial: lines for the terminal, Markdown, the page; text from outside is escaped."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from markupsafe import Markup
from msgspec.structs import replace

from driver.paths import as_called_anywhere
from driver.report.assets_text import asset
from driver.report.page_environment import page_environment
from driver.report.text import code, escape_markdown, printable
from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.log_patterns import LogNews, pattern
from driver.trial.picture import WIDE, drawing
from driver.trial.step_controls import StepControl
from driver.trial.step_outcome import StepOutcome, StepVerdict
from driver.trial.verdict import COLUMNS, FindingGroup, TrialReport, all_groups, mark, row

LINK_COLUMNS = ("link", "to server", "to client", "opened", "open", "longest silence")
LOG_NEWS_OF_GROUP = 3
CONTROLS_ARE = (
    "Each comparison of a step that came back was made again after a change of what was observed, with which "
    "it has to count as broken."
)
_TONES = {"passed": "", "failed": "bad", "inconclusive": "open"}


def link_rows(baseline: SystemBaseline) -> list[list[str]]:
    """Return a row for each link that was dialled: what flowed while the system was at rest."""
    return [[name, *_flow(one)] for name, one in sorted(baseline.links.items())]


def _flow(one: FlowBaseline) -> list[str]:
    silence = f"{one.silence_s:.1f} s" if one.carries else "no traffic"
    return [
        rate(one.to_server_per_s),
        rate(one.to_client_per_s),
        f"{one.opened_per_s:.1f}/s",
        str(one.connections),
        silence,
    ]


def rate(bytes_per_s: float) -> str:
    """Return a rate for people: `420 B/s`, `1.2 KB/s`."""
    if bytes_per_s < 1_000:
        return f"{bytes_per_s:.0f} B/s"
    if bytes_per_s < 1_000_000:
        return f"{bytes_per_s / 1e3:.1f} KB/s"
    return f"{bytes_per_s / 1e6:.1f} MB/s"


def group_lines(group: FindingGroup, folder: str) -> list[tuple[str, str]]:
    """Return a group of findings as labels and texts."""
    first = group.outcomes[0]
    lines = [("", f"{group.number}. {' '.join(map(_ended, group.advice))}"), ("after", group.title)]
    within = f" ({first.waited_s:.0f} s after healing)" if first.after_s is None else ""
    lines.append(("shows", f"{'; '.join(first.broke)}{within}"))
    if stopped := sorted({name for one in group.outcomes for name in one.stopped}):
        lines.append(("stopped", ", ".join(stopped)))
    lines += [("log", text) for text in log_texts(group.outcomes)]
    if first.cleaned:
        lines.append(("cure", f"the lab {first.cleaned}"))
    if group.weaker:
        return lines
    lines.append(("again", f"sh {shlex.quote(f'{folder}/{script_name(group)}')}"))
    return lines


def _ended(advice: str) -> str:
    """Return a sentence with its full stop; a clause in its place has none."""
    return advice if advice.endswith(".") else f"{advice}."


def log_texts(outcomes: Sequence[StepOutcome]) -> list[str]:
    """Return new errors of these steps, each once: first those of what broke, the most frequent before."""
    found: dict[tuple[str, str], LogNews] = {}
    for one in (news for outcome in outcomes for news in outcome.log_news):
        key = (one.container, pattern(one.line))
        before = found.get(key)
        found[key] = one if before is None else replace(before, count=before.count + one.count)
    broke = " ".join(clause for outcome in outcomes for clause in outcome.broke[:1])
    most = sorted(found.values(), key=lambda one: (not _is_named(one.container, broke), -one.count))
    return [f"{one.container}, {_times(one.count)}: {one.line}" for one in most[:LOG_NEWS_OF_GROUP]]


def _is_named(container: str, broke: str) -> bool:
    """Whether clauses name a container, which a link names by its service where it has no other replica."""
    names = (container, container.removesuffix("[1]"))
    return any(word.partition("->")[0] in names for word in broke.split())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def script_name(group: FindingGroup) -> str:
    """Return the name of the file that repeats a finding."""
    return f"finding-{group.number}.sh"


def script(group: FindingGroup, report: TrialReport) -> str:
    """Return a shell script that tries the steps of a group again, and prints what comes of it."""
    only = " ".join(f"--only {shlex.quote(one.step.name)}" for one in group.outcomes)
    words = " ".join(map(shlex.quote, report.options))
    says = "".join(f"# {printable(text)}\n" for text in (*group.advice, *group.outcomes[0].broke))
    start = as_called_anywhere("python lab.py")
    command = f"{start} try {shlex.quote(report.file)} {words}{' ' if words else ''}{only}"
    what = f"# Repeats finding {group.number}: it ends with 0 once everything comes back."
    return f"#!/bin/sh\n{what}\n{says}cd {shlex.quote(report.folder)} || exit 70\n{command}\n"


def as_markdown(report: TrialReport) -> str:
    """Return report.md."""
    lines = [f"# {escape_markdown(report.system)}: {report.verdict}", "", escape_markdown(report.because), ""]
    lines += _markdown_table(COLUMNS, [row(one) for one in report.outcomes])
    for group in all_groups(report.outcomes):
        title, *others = (escape_markdown(_ended(one)) for one in group.advice)
        lines += ["", f"## {group.number}. {title}", "", *([" ".join(others), ""] if others else [])]
        lines += [f"- After: {escape_markdown(group.title)}"]
        lines += [f"- {escape_markdown(one.step.name)}: {_sentence(one)}" for one in group.outcomes]
        lines += [f"- Log: {code(text)}" for text in log_texts(group.outcomes)]
        lines += [] if group.weaker else [f"- Again: {code(f'sh {script_name(group)}')}"]
    if report.baseline is not None:
        lines += ["", f"## At rest, for {report.baseline.length_s:.0f} s", ""]
        lines += _markdown_table(LINK_COLUMNS, link_rows(report.baseline))
    if controls := [one for one in report.outcomes if one.controls]:
        lines += ["", "## Controls", "", escape_markdown(CONTROLS_ARE), ""]
        lines += [f"- {escape_markdown(f'{one.step.name}: {_controls(one)}')}" for one in controls]
    if report.notes:
        lines += ["", "## Notes", "", *(f"- {escape_markdown(note)}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _sentence(outcome: StepOutcome) -> str:
    cleaned = f"; then the lab {outcome.cleaned}" if outcome.cleaned else ""
    stopped = f"; stopped: {', '.join(outcome.stopped)}" if outcome.stopped else ""
    return escape_markdown(f"{'; '.join(outcome.broke)}; {_back(outcome)}{stopped}{cleaned}")


def _back(outcome: StepOutcome) -> str:
    if outcome.after_s is None:
        again = f", as after {outcome.repeats}" if outcome.repeats else ""
        return f"not back {outcome.waited_s:.0f} s after healing{again}"
    return f"back {outcome.came_back}"


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(map(escape_markdown, one))} |" for one in rows)]


def as_html(report: TrialReport) -> str:
    """Return report.html: one page that works offline."""
    environment = page_environment("driver.trial")
    found = [
        (
            group,
            [_ended(one) for one in group.advice],
            log_texts(group.outcomes),
            "" if group.weaker else script(group, report).splitlines()[-1],
        )
        for group in all_groups(report.outcomes)
    ]
    return environment.get_template("page.html.j2").render(
        report=report,
        tone=_TONES.get(report.verdict, "open"),
        columns=COLUMNS,
        back=_back,
        rows=[(mark(one), row(one), _details(one)) for one in report.outcomes],
        groups=found,
        link_columns=LINK_COLUMNS,
        links=link_rows(report.baseline) if report.baseline else [],
        drawing=drawing,
        wide=WIDE,
        tried=sum(1 for one in report.outcomes if one.verdict is not StepVerdict.not_tried),
        plain=Markup(asset("plain_page.css")),
        style=Markup(asset("scroll.css")),
    )


def _controls(outcome: StepOutcome) -> str:
    """Return which comparisons broke after which change, and which did not."""
    return "; ".join([*_by_change(outcome.controls, "broke"), *_by_change(outcome.controls, "did not break")])


def _by_change(controls: Sequence[StepControl], what: str) -> list[str]:
    """Return a clause for each change that had this effect, with the comparisons on which it had it."""
    found: dict[str, list[str]] = {}
    for one in controls:
        if one.broke == (what == "broke"):
            found.setdefault(one.change, []).append(one.comparison)
    return [f"{what} with {change}: {', '.join(names)}" for change, names in found.items()]


def _details(outcome: StepOutcome) -> list[str]:
    """What the table has no room for."""
    attempts = ", ".join(f"{name} {count}" for name, count in outcome.attempts.items())
    found = [outcome.proof] if outcome.proof else []
    found += [outcome.note] if outcome.note and outcome.broke else []
    found += [f"connections opened since the fault began: {attempts}"] if attempts else []
    found += [f"log of {one.container}, {_times(one.count)}: {one.line}" for one in outcome.log_news]
    found += [f"each comparison, made again, {_controls(outcome)}"] if outcome.controls else []
    found += [f"afterwards the lab {outcome.cleaned}"] if outcome.cleaned else []
    return found
