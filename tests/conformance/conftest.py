"""What the conformance suite shares: a lab of three workers for each engine, and what was proved."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator

import pytest

from driver.engines.engine_kind import EngineKind
from driver.labs.lab_journals import remove_journals
from driver.labs.take_down import raise_for_leftovers, take_down
from driver.reference.labs.lab import Lab
from driver.terminal import Terminal
from tests.conformance import engines
from tests.conformance.harness import engine_for, new_lab, wait_connected
from tests.conformance.record import RECORD, is_lacked


def pytest_report_header() -> list[str]:
    return engines.said()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what an engine lacks: that it is refused is a test of its own, and a row of the record."""
    out = [item for item in items if is_lacked(item)]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)


@pytest.fixture(scope="session", params=engines.running(), ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> EngineKind:
    """Each engine that runs here."""
    found = request.param
    assert isinstance(found, EngineKind)
    return found


@pytest.fixture(scope="session")
def shared_lab(kind: EngineKind) -> Iterator[Lab]:
    """A lab that is up for all tests of one engine."""
    engine = engine_for(kind, "lab")
    try:
        yield new_lab(engine)
    finally:
        raise_for_leftovers(asyncio.run(take_down(engine, Terminal())))
        remove_journals(engine.project)


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """The lab, with all workers connected. What a test breaks in it, the test mends."""
    wait_connected(shared_lab)
    return shared_lab


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record what a test with the mark `proves` says of its abilities on its engine."""
    report = yield
    RECORD.note(item, report)
    return report
