"""`lab.py try`: hurts a foreign system one thing at a time, and says what does not come back."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import click
import msgspec

from driver.cli import options, options_run, options_system, options_traffic
from driver.cli.run_system import SystemInUse, system_in_use
from driver.errors import UsageError
from driver.nouns import counted
from driver.results.run_folder import new_folder
from driver.systems.resolve_compose import resolve
from driver.systems.system import System
from driver.systems.system_request import SystemRequest
from driver.terminal import Terminal, print_json, print_labelled, print_lines, print_table
from driver.trial.baseline import LEAST_WINDOW_S, SystemBaseline
from driver.trial.conductor import TrialLimits, TrialResult
from driver.trial.learned_file import read_learned, refuse_unknown
from driver.trial.programme import refuse_unknown_words
from driver.trial.report import group_lines, rate
from driver.trial.run_trial import REPORT_HTML, Choice, TrialProgress, conduct, notes_on, save
from driver.trial.step_outcome import StepOutcome, StepVerdict
from driver.trial.targets import idle_ends
from driver.trial.verdict import COLUMNS, TrialReport, all_groups, mark, row, verdict

DOWN_RESERVE_S = 25.0
"""Of the budget, for the receipts and for taking the system down."""
_NOT_REPEATED = ("only", "budget", "as_json", "results")


@click.command("try")
@options_system.file
@options_system.start
@options_traffic.traffic
@options_traffic.http
@options_traffic.body
@options_traffic.rate
@click.option(
    "--budget", default="10m", show_default=True, callback=options_traffic.duration_of("--budget"),
    metavar="TIME", help="How long the whole may take; steps without time left are named.",
)  # fmt: skip
@click.option(
    "--watch", default="20s", show_default=True, callback=options_traffic.duration_of("--watch"),
    metavar="TIME", help="How long the system at rest is watched.",
)  # fmt: skip
@click.option(
    "--wait", default="20s", show_default=True, callback=options_traffic.duration_of("--wait"),
    metavar="TIME", help="How long to wait after each fault until everything is as before.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, metavar="TEXT",
    help="Only the steps whose names contain this: --only 'cut api->db'.",
)  # fmt: skip
@options_run.results
@options.as_json
@options.log_level
def command(
    file: Path, more: tuple[Path, ...], profiles: tuple[str, ...], ports: dict[str, frozenset[int]],
    egress: tuple[str, ...], bypass: tuple[str, ...], traffic: str | None, http: tuple[str, str] | None,
    body: str | None, rate: float, budget: float, watch: float, wait: float, only: tuple[str, ...],
    results: Path, as_json: bool,
) -> int:  # fmt: skip
    """Hurt a system one thing at a time, and say what does not come back by itself.

    The system is started from its Compose file with a door before each server, and watched at rest. Then
    each link that carries traffic is cut, refused, stalled, reset and slowed, and each service killed, paused
    and restarted. After each fault everything is compared with the system at rest.
    """
    options_traffic.refuse_wrong_traffic(traffic, http, body)
    _refuse_too_short(budget, watch)
    request = SystemRequest(
        (file, *more), profiles, frozenset(bypass), frozenset(egress), ports, publish=False
    )
    if learned := read_learned(file):
        if any((more, profiles, ports, egress, bypass)):
            raise _learned_already(file)
        request = learned.request(file)
    options_traffic.refuse_unpublished(http, request)
    if only:
        refuse_unknown_words(only, sorted(resolve(request.files, request.profiles).services))
    began_wall_s, again = time.time(), _options_again()
    with system_in_use(request, "try") as up:
        started = up.learned.started
        if learned:
            refuse_unknown(learned, started.system, file)
        folder = new_folder(f"try-{started.system.name}", results)
        source = options_traffic.traffic_source(
            traffic, http, body, rate, folder / "traffic.log", up.terminal.info
        )
        limits = TrialLimits(up.began_s + budget - DOWN_RESERVE_S, watch, wait)
        said = up.terminal
        progress = TrialProgress(
            said.info, partial(_say_baseline, said, started.system), partial(_say_outcome, said)
        )
        choice = Choice(only, learned.links, learned.services) if learned else Choice(only)
        subject = up.subject(source)
        try:
            result = conduct(subject, limits, choice, progress)
            report = _report(file, up, result, began_wall_s, again)
            # Saved before anything is taken down: a signal may end that.
            save(folder, report)
        except BaseException:
            # Removed where nothing was found and --traffic has no output.
            with suppress(OSError):
                folder.rmdir()
            raise
        finally:
            subject.close()
    _print(report, folder, as_json)
    if result.error is not None:
        raise result.error
    return report.exit_code


def _refuse_too_short(budget: float, watch: float) -> None:
    """Raise UsageError for a watch in which no link can be judged, and a budget without time for a step."""
    if watch < LEAST_WINDOW_S:
        raise UsageError(
            f"--watch takes {LEAST_WINDOW_S:g}s or more, the time over which a link is compared; "
            f"found {watch:g}s."
        )
    least_s = watch + LEAST_WINDOW_S + DOWN_RESERVE_S
    if budget < least_s:
        raise UsageError(
            f"--budget {budget:g}s has no time for a step: --watch takes {watch:g} s, the shortest step "
            f"{LEAST_WINDOW_S:g} s, and the end {DOWN_RESERVE_S:g} s.",
            f"Give more than {least_s:g}s; the start of the system takes its time too.",
        )


def _learned_already(file: Path) -> UsageError:
    return UsageError(
        f"{file} says how its system is started: it takes no -f, --profile, --listens, --egress, --bypass.",
        "Write them into that file.",
    )


def _report(
    file: Path, up: SystemInUse, result: TrialResult, began_wall_s: float, again: Sequence[str]
) -> TrialReport:
    """Return the report of a trial; `again` are the options that repeat it."""
    word, because, code = verdict(result.baseline, result.outcomes, result.ended)
    return TrialReport(
        file=str(file),
        folder=str(Path.cwd()),
        system=up.learned.started.system.name,
        project=up.project,
        began_wall_s=began_wall_s,
        took_s=time.monotonic() - up.began_s,
        options=again,
        baseline=result.baseline,
        outcomes=result.outcomes,
        ended=result.ended,
        notes=[*notes_on(up.learned.started, result.baseline), *([] if result.ended else up.late_notes())],
        verdict=word,
        because=because,
        exit_code=code,
    )


def _options_again() -> list[str]:
    """The options of this command that a person gave and that repeat it."""
    context = click.get_current_context()
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        # An option such as --log-level, which this command does not receive, has no value here.
        repeats = name in context.params and name not in _NOT_REPEATED
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and repeats and isinstance(parameter, click.Option):
            words += _words(parameter.opts[-1], context.params[name])
    return words


def _words(option: str, value: object) -> list[str]:
    match value:
        case dict():
            ports = [f"{name}:{port}" for name, every in value.items() for port in sorted(every)]
            return [word for port in ports for word in (option, port)]
        case tuple() if option == "--http":
            return [option, *map(str, value)]
        case tuple():
            return [word for one in value for word in (option, str(one))]
        case float():
            return [option, f"{value:g}{'/s' if option == '--rate' else 's'}"]
        case _:
            return [option, str(value)]


def _say_baseline(terminal: Terminal, system: System, baseline: SystemBaseline) -> None:
    carrying = baseline.carrying()
    links = counted(len(carrying), "link")
    terminal.info(f"At rest, for {baseline.length_s:.0f} s: {links} carried traffic.")
    for name in carrying:
        one = baseline.links[name]
        to_server, to_client = rate(one.to_server_per_s), rate(one.to_client_per_s)
        terminal.info(f"  {name}: {to_server} to the server, {to_client} to the client")
    if baseline.requests is not None:
        terminal.info(f"  requests: {baseline.requests.failed_share:.0%} failed")
    if idle := idle_ends(baseline, [one.name for one in system.services]):
        terminal.info(f"  these carried nothing: {', '.join(idle)}; give traffic that uses them")
    if carrying:
        terminal.info("The programme, whose faults are proved at its end:")


def _say_outcome(terminal: Terminal, number: int, total: int, outcome: StepOutcome) -> None:
    if outcome.verdict is StepVerdict.not_tried:
        return
    what = f": {outcome.what_broke}" if outcome.broke or outcome.note else ""
    back = (
        f"all as before {outcome.came_back}, if its fault is proved"
        if outcome.was_tried and outcome.after_s is not None
        else outcome.came_back
    )
    terminal.info(f"[{number:2}/{total}] {outcome.step.name}: {back}{what}")


def _print(report: TrialReport, folder: Path, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.json.encode(report).decode())
        return
    tried = [one for one in report.outcomes if one.verdict is not StepVerdict.not_tried]
    print_table(COLUMNS, [row(one) for one in tried], [mark(one) for one in tried])
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    for group in all_groups(report.outcomes):
        print_lines([""])
        print_labelled(group_lines(group, str(shown)))
    left = len(report.outcomes) - len(tried)
    lines = (
        [f"not tried: {left} of {counted(len(report.outcomes), 'step')}; the report names them"]
        if left
        else []
    )
    print_lines(["", *lines, *(f"note: {note}" for note in report.notes)])
    print_lines([f"{report.verdict}: {report.because}", f"report: {shlex.quote(str(shown / REPORT_HTML))}"])
