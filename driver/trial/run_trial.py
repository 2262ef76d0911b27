"""Runs a whole trial: starts the system, watches it, tries the programme, takes everything down, saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from driver.errors import LabError
from driver.files import write_file
from driver.systems.lab_of_system import StartedSystem
from driver.trial.baseline import LONGEST_WINDOW_S, SystemBaseline
from driver.trial.conductor import Conductor, TrialLimits, TrialResult, TrialSubject
from driver.trial.programme import TrialStep, estimate, programme, selected, shape
from driver.trial.report import as_html, as_markdown, script, script_name
from driver.trial.step_outcome import StepOutcome
from driver.trial.targets import settle_s, targets_of, why_not_tried
from driver.trial.verdict import TrialReport, groups

REPORT_JSON, REPORT_MARKDOWN, REPORT_HTML = "try.json", "report.md", "report.html"
INTERRUPTED = "stopped by a signal"

Say = Callable[[str], None]


class MonotonicClock:
    """Implements `conductor.TrialClock` by this machine's monotonic clock."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep_s(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


@dataclass(frozen=True)
class TrialProgress:
    """Receives what a trial says while it runs."""

    say: Say
    on_baseline: Callable[[SystemBaseline], None]
    on_outcome: Callable[[int, int, StepOutcome], None]


@dataclass(frozen=True)
class Choice:
    """Which steps are tried: `only` those whose names contain one of these texts; None means all.

    `links` are pairs, also such that carried nothing at rest, `services` services or containers.
    """

    only: Sequence[str] = ()
    links: Sequence[str] | None = None
    services: Sequence[str] | None = None

    def steps(self, baseline: SystemBaseline) -> list[TrialStep]:
        """Return the steps. Raises UsageError for a text of `only` that no step contains."""
        found = targets_of(baseline, self.services)
        pairs = found.pairs if self.links is None else self.links
        return selected(programme(pairs, found.containers, found.services), self.only)


def conduct(
    subject: TrialSubject, limits: TrialLimits, choice: Choice, progress: TrialProgress
) -> TrialResult:
    """Watch a system and try the steps of `choice`.

    Ctrl-C and any error end it early, and what was found is kept with the error. Raises UsageError for a
    choice of a step that the programme does not have, and what the watch raises.
    """
    result = TrialResult()
    tried: list[TrialStep] = []

    def on_outcome(outcome: StepOutcome) -> None:
        progress.on_outcome(len(result.outcomes), len(tried), outcome)

    conductor = Conductor(subject, MonotonicClock(), limits, progress.say, on_outcome)
    result.baseline = baseline = conductor.watch()
    progress.on_baseline(baseline)
    if not baseline.carrying():
        return result
    steps = choice.steps(baseline)
    whys = {one.target: why_not_tried(one.target, baseline) for one in steps if one.hits_links}
    tried += [one for one in steps if not whys.get(one.target)]
    left = [f"not tried: {target}, since {why}" for target, why in whys.items() if why]
    for line in (*shape(tried), *left, *targets_of(baseline, choice.services).notes):
        progress.say(f"  {line}")
    progress.say(estimate(tried, settle_s(baseline), limits.deadline_s - time.monotonic()))
    try:
        # Those that show nothing are last, so that the others are counted as they are announced.
        conductor.try_steps(baseline, sorted(steps, key=lambda one: one not in tried), result)
    except KeyboardInterrupt:
        result.ended = INTERRUPTED
    except LabError as error:
        result.ended, result.error = error.sentence, error
    except Exception as error:
        result.ended, result.error = f"the trial itself failed with {type(error).__name__}", error
    return result


def notes_on(started: StartedSystem, baseline: SystemBaseline | None) -> list[str]:
    """Return what the report adds to its table: differences to the file, and what was not judged."""
    found = [f"goes around doors: {one}" for one in started.bypassed]
    if started.portless:
        found.append(f"without a door, since nothing connects there: {', '.join(started.portless)}")
    found += [f"differs from the file: {one}" for one in started.differences]
    for name, one in sorted(baseline.links.items()) if baseline else ():
        if not one.carries:
            found.append(f"{name} was dialled and carried nothing at rest: not tried")
        elif one.by_connection:
            found.append(
                f"{name} is silent for up to {one.silence_s:.1f} s at rest: judged by its connections alone"
            )
        elif not one.judged:
            # A longer watch helps only where the window that the link needs may be that long.
            watch = "--watch more time, or " if one.window_s <= LONGEST_WINDOW_S else "it "
            found.append(
                f"{name} is silent for up to {one.silence_s:.1f} s at rest: too long to be judged. "
                f"Give {watch}more traffic with --http or --traffic."
            )
    if baseline and baseline.requests and baseline.requests.failed_share:
        found.append(f"{baseline.requests.failed_share:.0%} of the requests failed at rest")
    for name in baseline.restless if baseline else ():
        found.append(f"{name} ends and is started again at rest: that is no finding")
    return found


def save(folder: Path, report: TrialReport) -> None:
    """Write the reports of a trial, and a script for each finding. Raises LabError."""
    write_file(folder / REPORT_JSON, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    write_file(folder / REPORT_MARKDOWN, as_markdown(report).encode())
    write_file(folder / REPORT_HTML, as_html(report).encode())
    for group in groups(report.outcomes):
        write_file(folder / script_name(group), script(group, report).encode())
