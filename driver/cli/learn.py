"""`lab.py learn`: starts a foreign system, watches what its services dial, and writes that down."""

from __future__ import annotations

import os
from pathlib import Path

import click

from driver.cli import options, options_system, options_traffic
from driver.cli.run_system import SystemInUse, system_in_use
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.files import write_file
from driver.nouns import counted
from driver.systems.system_request import SystemRequest
from driver.terminal import print_lines, print_table
from driver.trial.baseline import SystemBaseline
from driver.trial.conductor import Conductor, TrialLimits
from driver.trial.doors_subject import TrafficSource
from driver.trial.learned_file import learned_yaml
from driver.trial.report import LINK_COLUMNS, link_rows
from driver.trial.run_trial import MonotonicClock, notes_on

OUTPUT = "stormlab.yaml"


@click.command("learn")
@options_system.file
@options_system.start
@options_traffic.traffic
@options_traffic.http
@options_traffic.body
@options_traffic.rate
@click.option(
    "--for", "watch", default="60s", show_default=True, metavar="TIME",
    callback=options_traffic.duration_of("--for"), help="How long the system is watched.",
)  # fmt: skip
@click.option(
    "--output", default=OUTPUT, show_default=True, metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path), help="The file to write.",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Replace the file where it is there already.")
@options.log_level
def command(
    file: Path, more: tuple[Path, ...], profiles: tuple[str, ...], ports: dict[str, frozenset[int]],
    egress: tuple[str, ...], bypass: tuple[str, ...], traffic: str | None, http: tuple[str, str] | None,
    body: str | None, rate: float, watch: float, output: Path, replace: bool,
) -> int:  # fmt: skip
    """Start a system with doors, watch what its services dial, and write stormlab.yaml.

    Ports on which a service listens are found by themselves. The system is taken down afterwards.
    """
    options_traffic.refuse_wrong_traffic(traffic, http, body)
    if output.exists() and not replace:
        raise UsageError(
            f"{output} is there already, and may have been edited.", "Add --replace, or --output FILE."
        )
    if not output.resolve().parent.is_dir():
        raise UsageError(
            f"--output {output}: there is no folder {output.resolve().parent}.",
            "Make it, or give another file.",
        )
    if not os.access(output.resolve().parent, os.W_OK):
        raise UsageError(f"--output {output}: its folder cannot be written.", "Give another file.")
    request = SystemRequest(
        (file, *more), profiles, frozenset(bypass), frozenset(egress), ports, publish=False
    )
    options_traffic.refuse_unpublished(http, request)
    with system_in_use(request, "learn") as up:
        source = options_traffic.traffic_source(
            traffic, http, body, rate, Path("/dev/null"), up.terminal.info
        )
        baseline = _watch(up, source, watch)
        if again := up.with_late_ports():
            up, baseline = again, _watch(again, source, watch)
        started, late = up.learned.started, up.late_notes()
        text = learned_yaml(output, up.learned.request, up.learned.found, baseline, started.system)
        write_file(output, text.encode())
    print_table(LINK_COLUMNS, link_rows(baseline))
    print_lines([f"note: {note}" for note in [*notes_on(started, baseline), *late]])
    carrying = counted(len(baseline.carrying()), "link")
    print_lines([f"{carrying} carried traffic in {watch:.0f} s. Written: {output}"])
    if not baseline.carrying():
        print_lines(["Without traffic nothing can be tried: add --http or --traffic."])
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED


def _watch(up: SystemInUse, source: TrafficSource | None, watch_s: float) -> SystemBaseline:
    """Watch a system at rest for so long, with the traffic."""
    subject = up.subject(source)
    up.terminal.info(f"Watching for {watch_s:.0f} s.")
    try:
        limits = TrialLimits(up.began_s, watch_s=watch_s)
        return Conductor(subject, MonotonicClock(), limits, up.terminal.info, print).watch()
    finally:
        subject.close()
