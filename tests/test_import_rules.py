"""Import rules: between rooms, one file for each outside library, packages that reach no outside world."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("wire", "coordinator", "worker", "chaos", "driver")
MAY_IMPORT = {
    "wire": set(),
    "coordinator": {"wire"},
    "worker": {"wire"},
    "chaos": {"wire"},
    "driver": {"wire", "chaos"},
    "lab": {"driver"},
}
BELOW = {
    "histories": {"reference"},
    "metrics": {"histories"},
    "checks": {"histories", "metrics"},
    "claims": {"checks", "histories", "metrics"},
    "loads": {"histories"},
    "scenarios": {"checks", "claims", "loads", "metrics", "reference"},
    "judging": {"checks", "claims", "histories", "metrics", "scenarios"},
    "controls": {"checks", "claims", "histories", "judging", "metrics"},
    "engines": {"histories"},
    "labs": {"engines", "histories", "judging", "metrics", "scenarios"},
    "reference": {
        *(
            "checks",
            "controls",
            "dashboard",
            "engines",
            "forensics",
            "histories",
            "judging",
            "labs",
            "metrics",
        ),
        *("report", "results", "runs", "scenarios", "suite", "systems"),
    },
    "advice": {"checks", "claims", "histories", "metrics", "report"},
    "results": {"checks", "controls", "histories", "judging", "metrics", "scenarios"},
    "forensics": {"histories", "metrics", "scenarios"},
    "report": {
        *("advice", "checks", "forensics", "histories", "judging", "metrics", "reference", "results"),
        "scenarios",
    },
    "runs": {
        *("checks", "claims", "engines", "histories", "judging", "labs", "loads", "observations", "report"),
        *("results", "scenarios", "systems"),
    },
    "machine": set(),
    "compare": {"histories", "judging", "metrics", "report", "results", "scenarios"},
    "suite": {"engines", "labs", "report", "scenarios"},
    "dashboard": {
        *("checks", "compare", "engines", "histories", "labs", "metrics", "results", "scenarios", "suite"),
        "systems",
    },
    "systems": {"engines", "histories", "labs", "loads", "scenarios"},
    "observations": {"engines", "histories", "systems"},
    "search": {
        *("checks", "claims", "engines", "histories", "judging", "labs", "loads", "metrics", "observations"),
        *("report", "results", "runs", "scenarios", "systems", "trial"),
    },
    "trial": {"engines", "histories", "judging", "labs", "report", "scenarios", "systems"},
}
"""The packages of the driver that each of these may import; the driver's own modules are open to all."""
GENERATORS = {"driver.metrics_page"}
"""Modules of the driver itself that write a page of docs from its packages."""
SOLE_IMPORTER = {
    "docker": "driver.engines.docker_sdk",
    "toxiproxy": "driver.reference.labs.links",
    "yaml": "driver.scenarios.yaml_file",
    "rich": "driver.terminal",
}
OUTSIDE_WORLD = {
    *("aiohttp", "asyncio", "datetime", "docker", "http", "io", "logging", "os", "pathlib", "requests"),
    *("shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib"),
    *("uvloop", "websockets"),
}
REBUILD_RECEIPTS = ("evidence_forgotten", "fault_of_another_kind")
"""Controls that make receipts: the rules of faults stand beside what injects them."""
PURE = (
    *("driver.advice", "driver.checks", "driver.claims", "driver.metrics"),
    *("driver.judging.verdict", "wire"),
    "driver.histories.history",
    *(
        f"driver.controls.{path.stem}"
        for path in (ROOT / "driver" / "controls").glob("[!_]*.py")
        if path.stem not in REBUILD_RECEIPTS
    ),
    *("driver.reference.checks", "driver.reference.controls", "driver.reference.metrics"),
    *("driver.metrics_page",),
    *("driver.systems.system", "driver.systems.compose_config", "driver.systems.compose_yaml"),
    *("driver.systems.door_bypass", "driver.systems.door_compose", "driver.systems.door_network"),
    *("driver.systems.door_names", "driver.systems.doors", "driver.systems.built_images"),
    *("driver.systems.differences", "driver.systems.portless_services", "driver.systems.replicas"),
    *("driver.systems.readiness", "driver.systems.prober_compose", "driver.nouns"),
    *("driver.observations.values", "driver.observations.table_parts"),
    *("driver.systems.plain_compose", "driver.systems.relay_compose"),
    *("driver.arrivals", "driver.loads.statuses", "driver.loads.templates"),
    *("driver.loads.composer_template", "driver.loads.operation_lines"),
    *("driver.trial.samples", "driver.trial.baseline", "driver.trial.programme", "driver.trial.recovery"),
    *("driver.trial.link_recovery", "driver.trial.container_recovery", "driver.trial.request_recovery"),
    *("driver.trial.step_evidence", "driver.trial.step_outcome", "driver.trial.trial_records"),
    *("driver.trial.verdict", "driver.trial.log_patterns", "driver.systems.sockets"),
    *("driver.trial.lasting_states", "driver.trial.targets", "driver.trial.container_looks"),
    "driver.trial.picture",
    *(
        "driver.search.corpus",
        "driver.search.schedule",
        "driver.search.ddmin",
        "driver.search.finding_key",
        "driver.search.novelty",
    ),
    *("coordinator.core", "coordinator.ledger", "worker.core", "worker.session"),
)


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {"lab": ROOT / "lab.py"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported_by(module: str) -> frozenset[str]:
    """The dotted names that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def room_of(name: str) -> str:
    return name.partition(".")[0]


def reached_from(start: str) -> set[str]:
    """All modules of ours that importing `start` brings in, packages on the way included."""
    reached: set[str] = set()
    open_ends = [start]
    while open_ends:
        module = open_ends.pop()
        if module in modules() and module not in reached:
            reached.add(module)
            open_ends += imported_by(module)
            open_ends += [module.rpartition(".")[0]]
    return reached


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_room_imports_only_the_rooms_it_may(module: str) -> None:
    own = room_of(module)
    others = {room_of(name) for name in imported_by(module)} & {*ROOMS, "lab"} - {own}
    assert others <= MAY_IMPORT[own], f"{module} imports {others - MAY_IMPORT[own]}"


@pytest.mark.parametrize("package", BELOW)
def test_a_package_of_the_driver_imports_only_packages_below_it(package: str) -> None:
    packages = {path.name for path in (ROOT / "driver").iterdir() if (path / "__init__.py").is_file()}
    own = {name for name in modules() if name.startswith(f"driver.{package}.")}
    for module in own:
        parts = {name.split(".")[1] for name in imported_by(module) if name.startswith("driver.")}
        above = parts & packages - {package} - BELOW[package]
        assert not above, f"{module} imports {above}"


def test_a_module_of_the_driver_itself_imports_none_of_its_packages() -> None:
    packages = {path.parent.name for path in (ROOT / "driver").glob("*/__init__.py")}
    own = {name for name in modules() if name.count(".") == 1 and name.startswith("driver.")}
    for module in own - {f"driver.{package}" for package in packages} - GENERATORS:
        parts = {name.split(".")[1] for name in imported_by(module) if name.startswith("driver.")}
        assert not parts & packages, f"{module} imports {parts & packages}"


def test_no_package_of_the_driver_imports_its_command_line() -> None:
    others = {name for name in modules() if not name.startswith("driver.cli")} - {"lab"}
    assert not [one for one in others if any(name.startswith("driver.cli") for name in imported_by(one))]


@pytest.mark.parametrize(("library", "owner"), SOLE_IMPORTER.items())
def test_one_file_alone_imports_an_outside_library(library: str, owner: str) -> None:
    importers = {module for module in modules() if library in map(room_of, imported_by(module))}
    assert importers == {owner}


LOCKS = {"driver.typed_json": {"threading"}}
"""Modules whose lock changes nothing that a caller sees."""


def is_pure(module: str) -> bool:
    """Whether a module, or a package that it is in, is to be pure."""
    return any(module == one or module.startswith(f"{one}.") for one in PURE)


@pytest.mark.parametrize("start", sorted(filter(is_pure, modules())))
def test_what_is_pure_reaches_nothing_of_the_outside_world(start: str) -> None:
    for module in reached_from(start):
        touched = {room_of(name) for name in imported_by(module)} & OUTSIDE_WORLD - LOCKS.get(module, set())
        assert not touched, f"{start} reaches {module}, which imports {touched}"
