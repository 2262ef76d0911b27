"""What a shell may offer for an argument: scenarios, runs and containers, without asking the engine."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from driver.engines.engine import CORE, PROBER, WORKER
from driver.results.run_folder import LATEST, results_root
from driver.scenarios.scenario_file import scenario_paths
from driver.suite.entry import SCENARIOS, TESTS

MOST_RUNS = 50
Offered = list[CompletionItem]


def scenarios(_: click.Context, __: click.Parameter, typed: str) -> Offered:
    """Scenarios by name; a file where no name fits."""
    return _named(scenario_paths(), typed) or [CompletionItem(typed, type="file")]


def entries(_: click.Context, __: click.Parameter, typed: str) -> Offered:
    """Entries of the suite."""
    return _named([TESTS, SCENARIOS, *scenario_paths()], typed)


def runs(_: click.Context, __: click.Parameter, typed: str) -> Offered:
    """Runs by their folder in results/, the newest first; any folder where none fits."""
    root = results_root()
    kept = sorted((path.name for path in root.glob("*Z-*")), reverse=True) if root.is_dir() else []
    names = [LATEST, *kept] if kept else []
    # What was run is easier to remember than when: a part of the name is enough.
    found = _named(names, typed) or [CompletionItem(name) for name in names if typed in name]
    return found[:MOST_RUNS] or [CompletionItem(typed, type="dir")]


def containers(_: click.Context, __: click.Parameter, typed: str) -> Offered:
    """Services of a lab; the numbers of its workers are not asked for."""
    return _named([WORKER, *CORE, PROBER], typed)


def targets(_: click.Context, __: click.Parameter, typed: str) -> Offered:
    """Whom a fault may hit, where that has a name."""
    return _named(["all", *CORE], typed)


def _named(names: Iterable[str], typed: str) -> Offered:
    return [CompletionItem(name) for name in names if name.startswith(typed)]
