"""The foreign system of a scenario: from its `system:` or --system to a plan, and to a lab of its own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from driver.cli import options
from driver.cli.options_system import LEARNED
from driver.engines.engine import Say
from driver.errors import UsageError
from driver.interrupts import interrupts_raised
from driver.labs.lab_lock import SYSTEM, lab_lock
from driver.observations.catalogue import ObservationError, read_observations
from driver.paths import state_dir
from driver.runs.named_services import add_unknown_services
from driver.runs.run_subject import RunSubject
from driver.runs.system_subject import SystemSubject, planned_system, request_of
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.plan import Plan, PlannedSystem
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import ScenarioFile, load_scenario
from driver.scenarios.yaml_file import FileError
from driver.systems.describe_system import NOT_KNOWN
from driver.systems.portless_services import PortlessServiceError
from driver.systems.system_images import LAB_IMAGES
from driver.systems.system_kinds import described_system, kind_of, kind_up
from driver.systems.system_request import SystemRequest, project_of
from driver.terminal import Terminal
from driver.trial.learned_file import read_learned

ONLY_REFERENCE = ("clients", "project", "host", "port", "replace", "watched")
"""Parameters of `scenario` that are about the lab of the reference system."""


_SERVER_PORT = re.compile(r"->\s*([\w.-]+)\s*:\s*(\d{1,5})", re.A)


def system_override(system: Path | None) -> Mapping[str, Any] | None:
    """Return what --system says as a scenario's `system:` says it; None without the option."""
    if system is None:
        return None
    learned: SystemRequest | None = click.get_current_context().meta.get(LEARNED)
    return _as_section(learned or SystemRequest((system,)))


def _as_section(request: SystemRequest) -> dict[str, Any]:
    first, *more = (os.path.abspath(file) for file in request.files)
    return {
        "file": first,
        "files": more,
        "profiles": list(request.profiles),
        "listens": {name: sorted(ports) for name, ports in request.ports.items()},
        "egress": sorted(request.egress),
        "bypass": sorted(request.bypass),
    }


def refuse_reference_options(named: str) -> None:
    """Raise UsageError for an option of the reference system's lab, for a scenario of another system."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in ONLY_REFERENCE:
            option = max(parameter.opts, key=len)
            raise UsageError(
                f"{option} is for the lab of the reference system, and {named} has a system of its own.",
                "Leave it out.",
            )


def request_of_scenario(loaded: ScenarioFile) -> SystemRequest:
    """Return how the system of a scenario is started. Raises FileError for a file that is not there."""
    assert isinstance(loaded.scenario, SystemScenario), "the scenario has a `system:`"
    start = loaded.scenario.system
    files = [loaded.folder / name for name in (start.file, *start.files)]
    for file, key in zip(files, ["file", *["files"] * len(start.files)], strict=True):
        if not file.is_file():
            raise loaded.error(("system", key), f"{file} is no file", "Give the path of a Compose file.")
    own = SystemRequest(
        tuple(files),
        tuple(start.profiles),
        frozenset(start.bypass),
        frozenset(start.egress),
        {name: frozenset(ports) for name, ports in start.listens.items()},
        publish=False,
    )
    learned = read_learned(files[0])
    if learned is None:
        return own
    if own != SystemRequest((files[0],), publish=False):
        raise loaded.error(("system",), f"{files[0]} says how its system is started: write it there")
    return learned.request(files[0])


def described(loaded: ScenarioFile, note: Say | None = None) -> PlannedSystem:
    """Return the system of a scenario without starting or building anything. Raises UsageError.

    `note` takes a sentence on ports that only a build or a pull can say, which are not judged.
    """
    _refuse_wrong_observations(loaded)
    request, written = request_of_scenario(loaded), _ports_written(loaded)
    try:
        system, undecided = described_system(request, written)
    except PortlessServiceError as error:
        refused = _as_written(loaded, request, error)
        supposed = {name: frozenset(written.get(name, {NOT_KNOWN})) for name in error.services}
        _add_other_errors(refused, loaded, replace(request, ports={**request.ports, **supposed}))
        raise refused from None
    if note is not None:
        for warning in system.config.warnings:
            note(f"Compose warns: {warning}")
    if undecided and note is not None:
        image = "its image is" if len(undecided) == 1 else "their images are"
        note(f"Not judged: ports of {', '.join(undecided)}, which are known once {image} here.")
    planned = planned_system(system)
    _refuse_unknown_services(loaded, planned)
    return planned


def _refuse_unknown_services(loaded: ScenarioFile, system: PlannedSystem) -> None:
    """Raise FileError where loads and observations name what the system has not, with all that is wrong."""
    errors = ErrorCollector()
    add_unknown_services(loaded, system.services, errors)
    if errors.is_empty:
        return
    with errors.collect():
        resolve(loaded, 1, system)
    errors.raise_all()


def _add_other_errors(refused: FileError, loaded: ScenarioFile, request: SystemRequest) -> None:
    """Add to an error what else is wrong with a scenario, on a system that has the ports of `request`."""
    try:
        resolve(loaded, 1, planned_system(described_system(request)[0]))
    except UsageError as other:
        refused.add(other)


def _ports_written(loaded: ScenarioFile) -> dict[str, set[int]]:
    """Return the ports that the scenario's targets name, by service."""
    found: dict[str, set[int]] = {}
    for server, port in _SERVER_PORT.findall(json.dumps(loaded.scenario.model_dump(mode="json"))):
        found.setdefault(server, set()).add(int(port))
    return found


def _as_written(loaded: ScenarioFile, request: SystemRequest, error: PortlessServiceError) -> FileError:
    """Return the error of services without a known port with the place where their ports are written."""
    assert isinstance(loaded.scenario, SystemScenario), "the scenario has a `system:`"
    start = loaded.scenario.system
    listens = f"listens: {{{', '.join(f'{name}: [PORT]' for name in error.services)}}}"
    around = f"bypass: [{', '.join(error.services)}]"
    learned = loaded.folder / start.file
    where = f"`{listens}` into {learned}"
    if read_learned(learned) is None:
        where = f"`system: {{file: {start.file}, {listens}}}`"
    it = "it" if len(error.services) == 1 else "them"
    return loaded.error(
        ("system",),
        f"{', '.join(map(str, request.files))}: {error.problem}",
        f"Write {where}; or `{around}` there if nothing connects to {it}.",
    )


def _refuse_wrong_observations(loaded: ScenarioFile) -> None:
    """Raise FileError for the first observation that is not one."""
    assert isinstance(loaded.scenario, SystemScenario), "the scenario has a `system:`"
    try:
        read_observations(loaded.scenario.observe)
    except ObservationError as error:
        keys = tuple(part for part in (error.name, *error.key.split(".")) if part)
        raise loaded.error(("observe", *keys), error.problem) from None


def built(loaded: ScenarioFile, terminal: Terminal) -> PlannedSystem:
    """Return the system of a scenario with its images built: the ports that they name count too."""
    request = request_of_scenario(loaded)
    file = request.files[0]
    lab = kind_of(file).lab(project_of(file), state_dir() / "systems", None)
    with interrupts_raised(lambda count: terminal.info("Stopping." if count == 1 else "Still stopping.")):
        try:
            return planned_system(lab.prepare(request, terminal.info))
        except PortlessServiceError as error:
            raise _as_written(loaded, request, error) from None


def refuse_several_systems(loaded: ScenarioFile, plans: Sequence[Plan]) -> None:
    """Raise UsageError where not all runs of a scenario are on its own system, whose lab alone is held."""
    own = project_of(request_of_scenario(loaded).files[0])
    for plan in plans:
        assert plan.system is not None, "the plan has a foreign system"
        if project_of(request_of(plan.system).files[0]) != own:
            raise UsageError(
                "The runs of one scenario are on one system; its matrix names several.",
                "Give each system a scenario of its own, or choose with --var.",
            )


@contextmanager
def system_in_run(
    file: Path, verb: str, named: str, terminal: Terminal
) -> Iterator[Callable[[Plan], RunSubject]]:
    """Hold the lab of a Compose file's system for the command `verb`; yields what makes each run's subject.

    The lab's own images are made.
    """
    project = project_of(file)
    with lab_lock(project, verb, named, SYSTEM, str(file.resolve()), say=terminal.info):
        options.engine_of_system(file).ensure_images(LAB_IMAGES, terminal.info)
        yield partial(SystemSubject, folder=state_dir() / "systems", terminal=terminal)


def project_of_scenario(scenario: Path) -> str:
    """Return the project of the foreign system of a scenario's file; "" where it has none, or is wrong."""
    try:
        loaded = load_scenario(scenario)
        is_foreign = isinstance(loaded.scenario, SystemScenario)
        return project_of(request_of_scenario(loaded).files[0]) if is_foreign else ""
    except FileError:
        return ""


def take_down_system(scenario: Path, terminal: Terminal) -> None:
    """Remove everything of the foreign system of a scenario's file, if it has one. Raises LabError."""
    try:
        loaded = load_scenario(scenario)
        file = request_of_scenario(loaded).files[0] if isinstance(loaded.scenario, SystemScenario) else None
    except FileError:
        return  # Nothing was started of it.
    if file is not None:
        project = project_of(file)
        with lab_lock(project, "down", SYSTEM, str(file.resolve()), say=terminal.info):
            folder = state_dir() / "systems"
            kind_up(project, folder / project, file).lab(project, folder, None).down()
