"""`lab.py logs`: the containers' logs, in order of time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from chaos.actuator import name_list
from chaos.explain import did_you_mean
from driver.cli import completers, options, options_system
from driver.cli.options_system import refuse_options
from driver.cli.places import Place, place_of
from driver.engines.engine import Container, FaultEngine
from driver.errors import LabError, NoLabError, UsageError
from driver.labs.lab_lock import reading_unlocked
from driver.labs.project_name import start_hint
from driver.terminal import print_lines

END = None


@click.command("logs")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completers.containers)
@click.option(
    "--tail", type=click.IntRange(min=0), default=200, show_default=True, help="Lines of each container."
)
@click.option("--follow", "-f", is_flag=True, help="Print new lines as they come, until Ctrl-C.")
@options.project
@options.engine
@options_system.system
@options.log_level
def command(names: tuple[str, ...], tail: int, follow: bool, project: str, system: Path | None) -> None:
    """Show logs. NAME is a container (worker-7, coordinator, toxiproxy, prober), or `worker`: all.

    Of a system, NAME is a container like api[2], or a service.
    """
    refuse_options(system, (), ("project",))
    place = place_of(project, system)
    engine = place.engine()
    chosen = _chosen(engine.containers(), names, place)
    if follow:
        for line in _followed(engine, chosen, tail):
            print_lines([_shown(line)])
        return
    with reading_unlocked(place.project):
        lines = sorted(line for name in chosen for line in _stamped(name, engine.log(name, tail)))
    print_lines([_shown(line) for line in lines])


def _chosen(containers: list[Container], names: tuple[str, ...], place: Place) -> list[str]:
    there = [one.name for one in containers]
    if not there:
        raise NoLabError(f"No lab named {place.project!r} is up.", start_hint(place.project))
    chosen: list[str] = []
    for name in names or there:
        found = [one.name for one in containers if name in (one.name, one.service)]
        if not found:
            hint = did_you_mean(name, there) or f"There are: {name_list(there)}."
            raise UsageError(f"{place.subject} has no container {name!r}.", hint)
        chosen += found
    return list(dict.fromkeys(chosen))


def _stamped(name: str, text: str) -> list[tuple[str, str, str]]:
    parts = (line.partition(" ") for line in text.splitlines())
    return [(stamp, name, said) for stamp, _, said in parts]


def _shown(line: tuple[str, str, str]) -> str:
    stamp, name, said = line
    # The lab's own processes begin each line with their name; other lines get it here.
    prefix = "" if said.startswith(f"{name} ") else f"{name} "
    return f"{stamp[11:23]} {prefix}{said}"


def _followed(engine: FaultEngine, names: list[str], tail: int) -> Iterator[tuple[str, str, str]]:
    lines: queue.Queue[tuple[str, str, str] | None] = queue.Queue(maxsize=10_000)

    def read(name: str) -> None:
        try:
            for text in engine.follow_log(name, tail):
                for line in _stamped(name, text):
                    lines.put(line)
        except LabError as error:
            lines.put(("", name, error.sentence))
        finally:
            lines.put(END)

    for name in names:
        threading.Thread(target=read, args=(name,), daemon=True).start()
    ended = 0
    while ended < len(names):
        line = lines.get()
        if line is END:
            ended += 1
        else:
            yield line
