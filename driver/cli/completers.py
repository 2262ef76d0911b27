"""Shell completions of arguments: scenarios, runs and containers, without a call of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from chaos.targets import CLIENT
from driver.engines.engine import CORE, PROBER
from driver.errors import LabError
from driver.results.run_folder import LATEST, results_root
from driver.scenarios.scenario_file import scenario_paths
from driver.suite.entry import SCENARIOS, TESTS

MAX_RUNS = 50
Completions = list[CompletionItem]


def scenarios(_: click.Context, __: click.Parameter, typed: str) -> Completions:
    """Complete a scenario's name; a file where no name fits."""
    return _named(scenario_paths(), typed) or [CompletionItem(typed, type="file")]


def entries(_: click.Context, __: click.Parameter, typed: str) -> Completions:
    """Complete an entry of the suite."""
    return _named([TESTS, SCENARIOS, *scenario_paths()], typed)


def runs(_: click.Context, __: click.Parameter, typed: str) -> Completions:
    """Complete a run's folder in results/, the newest first; any folder where none fits."""
    root = results_root()
    kept = sorted((path.name for path in root.glob("*Z-*")), reverse=True) if root.is_dir() else []
    names = [LATEST, *kept] if kept else []
    # A folder begins with its time: a later part of the name, the scenario, fits too.
    found = _named(names, typed) or [CompletionItem(name) for name in names if typed in name]
    return found[:MAX_RUNS] or [CompletionItem(typed, type="dir")]


def containers(_: click.Context, __: click.Parameter, typed: str) -> Completions:
    """Complete a service of a lab; the name of a single container would need a call of the engine."""
    return _named([CLIENT, *CORE, PROBER], typed)


def targets(context: click.Context, _: click.Parameter, typed: str) -> Completions:
    """Complete a fault's targets that have a name; with --system before it, the system's."""
    system = context.params.get("system")
    return _named(["all", *(CORE if system is None else _of_system(Path(system)))], typed)


def _of_system(file: Path) -> list[str]:
    """Return the services and pairs of a system that is up, without a call of the engine."""
    # Imported here: the completion of other arguments does not need it.
    from driver.cli.system_place import system_folder
    from driver.systems.system_file import read_system_file

    try:
        system = read_system_file(system_folder(file), str(file)).system
    except LabError:
        return []
    return [*(one.name for one in system.services), *(f"{one.client}->{one.server}" for one in system.pairs)]


def _named(names: Iterable[str], typed: str) -> Completions:
    return [CompletionItem(name) for name in names if name.startswith(typed)]
