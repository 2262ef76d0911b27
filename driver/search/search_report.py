"""The reports of a search: what was covered and never reached, findings, and the smallest storm's picture."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from jinja2 import Environment
from markupsafe import Markup

from chaos.units import format_seconds
from driver.errors import LabError
from driver.exit_codes import ExitCode
from driver.files import write_file
from driver.histories.connection_history import connection_histories
from driver.histories.link_connections import link_journals
from driver.histories.link_names import touches
from driver.histories.run_timeline import run_timeline
from driver.judging.verdict import RunOutcome
from driver.paths import as_called
from driver.report.assets_text import asset
from driver.report.page_environment import page_environment
from driver.results.judged_run import JudgedRun, judge_run
from driver.search.coverage import SearchCoverage, coverage_of
from driver.search.finding_key import FindingKey, kind_of_name
from driver.search.schedule import describe_fault
from driver.search.search_file import INTERRUPTED, JudgedSchedule
from driver.search.search_run import Search, smallest_of
from driver.search.shrink import Outcome
from driver.trial.picture import WIDE, StepPicture, drawing, link_lane, picture_of

HTML, JSON = "report.html", "search-report.json"
SHOWN = 40
"""Rows of one table at most; the JSON has all."""


class FoundFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of a search: how many schedules showed it, the smallest, and how often it came again."""

    key: FindingKey
    name: str
    schedules: int
    first: int
    smallest: int
    faults: list[str]
    run: str
    because: str
    again: str
    command: str
    picture: StepPicture | None = None


class SearchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found and covered, and where its time went.

    `decided` of the `tried` schedules, those with a fault, passed or failed.
    """

    scenario: str
    seed: int
    ended: str
    schedules: int
    tried: int
    decided: int
    took_s: float
    per_hour: float
    starts: int
    why_started: dict[str, int]
    phases_s: dict[str, float]
    verdicts: dict[str, int]
    features: int
    findings: list[FoundFinding]
    coverage: SearchCoverage

    @property
    def exit_code(self) -> ExitCode:
        """The outcome: what no schedule with a fault has decided is inconclusive."""
        if self.findings:
            return ExitCode.FAILED
        is_shown = self.decided and self.ended != INTERRUPTED
        return ExitCode.PASSED if is_shown else ExitCode.INCONCLUSIVE

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode()

    def lines(self) -> list[str]:
        """Return what the terminal shows of it."""
        time_goes = ", ".join(f"{name} {each:.0f} s" for name, each in _largest(self.phases_s))
        lines = [
            f"{self.scenario}: {self.schedules} schedules judged in {self.took_s:.0f} s, "
            f"{self.per_hour:.0f} an hour, {self.starts} starts; {self.ended}",
            f"time: {time_goes}",
            f"covered: {covered(self.coverage)}; {self.features} features",
        ]
        for number, one in enumerate(self.findings, 1):
            lines += [
                "",
                f"{number}. {one.name}: {one.schedules} schedules; again in {one.again} on a new start",
            ]
            lines += [f"   {fault}" for fault in one.faults] + [f"   {one.because}", f"   {one.command}"]
        undecided = self.tried - self.decided
        if undecided or not self.tried:
            lines.append(f"{undecided} of {self.tried} schedules with faults are undecided")
        return [*lines, *([] if self.findings else ["no finding"])]


def covered(found: SearchCoverage) -> str:
    """Return how much of the closed sets was covered, in one line."""
    sets = (
        ("pairs of fault and target", found.faults, found.faults_left),
        ("pairs of faults at once", found.overlaps, found.overlaps_left),
        ("states of links", found.link_states, found.link_states_left),
    )
    return ", ".join(f"{len(hit)} of {len(hit) + len(left)} {name}" for name, hit, left in sets)


def report_of(search: Search) -> SearchReport:
    """Return the report of a search, as far as it is."""
    judged = search.judged
    phases: Counter[str] = Counter()
    for one in judged:
        phases.update(one.phases_s)
    took_s = sum(phases.values())
    tried = [one for one in judged if one.schedule.faults]
    links = sorted({kind_of_name(name) for name in search.space.links})
    return SearchReport(
        scenario=search.trials.loaded.name,
        seed=search.settings.seed,
        ended=search.ended or "the lab broke",
        schedules=len(judged),
        tried=len(tried),
        decided=sum(one.verdict is not RunOutcome.inconclusive for one in tried),
        took_s=round(took_s, 1),
        per_hour=round(len(judged) / took_s * 3600, 1) if took_s else 0.0,
        starts=search.trials.target.starts,
        why_started=dict(Counter(one.why_dirty for one in judged if one.why_dirty)),
        phases_s={name: round(each, 1) for name, each in phases.most_common()},
        verdicts=dict(Counter(one.verdict.value for one in judged)),
        features=len(search.corpus.seen),
        findings=[_found(search, key) for key in sorted({key for one in tried for key in one.findings})],
        coverage=coverage_of(search.space, [one.schedule for one in tried], search.corpus.seen, links),
    )


def _found(search: Search, key: FindingKey) -> FoundFinding:
    shown = [one for one in search.judged if key in one.findings]
    smallest = smallest_of(search.judged, key)
    again = next((one.outcome for one in search.confirmed if one.key == key), Outcome())
    folder = search.folder.runs / smallest.run
    judged = _judged(folder)
    named = shlex.quote(str(folder))
    return FoundFinding(
        key=key,
        name=str(key),
        schedules=len(shown),
        first=shown[0].number,
        smallest=smallest.number,
        faults=[describe_fault(one) for one in smallest.schedule.faults],
        run=str(Path("runs") / smallest.run),
        because=_because(judged, key, smallest),
        again=str(again),
        command=as_called(f"python lab.py shrink {named} --finding {shlex.quote(key.check)}"),
        picture=storm_picture(judged) if judged is not None else None,
    )


def _judged(folder: Path) -> JudgedRun | None:
    try:
        return judge_run(folder)
    except LabError:
        return None


def _because(judged: JudgedRun | None, key: FindingKey, one: JudgedSchedule) -> str:
    findings = judged.verdict.findings if judged is not None else ()
    return next((each.because for each in findings if each.check == key.check), one.because)


def storm_picture(judged: JudgedRun) -> StepPicture | None:
    """Return the lanes of the links around a run's faults; None without a fault or a link."""
    history = judged.history
    run = history.view(run_timeline)
    if not run.faults:
        return None
    journals = history.view(link_journals)
    lanes = {
        name: link_lane(found, journals[name], run.end_ns)
        for name, found in history.view(connection_histories).items()
        if name in journals
    }
    began_s = min(one.began_ns for one in run.faults) / 1e9
    ended_s = max(one.ended_ns or one.began_ns for one in run.faults) / 1e9
    hit = [
        name
        for name in lanes
        for one in run.faults
        if any(t == name or touches(name, t) for t in one.targets)
    ]
    return picture_of(lanes, (began_s, ended_s), run.end_ns / 1e9, hit)


def _largest(phases_s: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(phases_s.items(), key=lambda one: -one[1])


def write_search_report(report: SearchReport, folder: Path) -> Path:
    """Write report.html and search-report.json; return the path of the first. Raises LabError."""
    write_file(folder / JSON, report.to_json().encode())
    write_file(folder / HTML, as_html(report).encode())
    return folder / HTML


def environment() -> Environment:
    """Return what renders the pages of this package; text from outside is escaped."""
    found = page_environment("driver.search")
    found.globals["plain"] = Markup(asset("plain_page.css"))
    found.globals["style"] = Markup(asset("scroll.css"))
    return found


def as_html(report: SearchReport) -> str:
    """Return report.html: one page that works offline."""
    found = report.coverage
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            drawing=drawing,
            wide=WIDE,
            covered=covered(found),
            phases=_largest(report.phases_s),
            length=format_seconds(round(report.took_s)),
            tables=[
                _table("Faults on targets", found.faults, found.faults_left),
                _table("Faults at one time", found.overlaps, found.overlaps_left),
                _table("States of links", found.link_states, found.link_states_left),
            ],
        )
    )


def _table(
    title: str, hit: Sequence[tuple[str, str]], left: Sequence[tuple[str, str]]
) -> tuple[str, int, int, list[str], int]:
    """Return a title, both counts, the first of what was never reached, and how many more there are."""
    shown = [f"{one}, {other}" for one, other in left[:SHOWN]]
    return title, len(hit), len(hit) + len(left), shown, max(0, len(left) - SHOWN)
