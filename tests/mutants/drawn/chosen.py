"""A pytest plugin: run the tests that a file names, in its order, each for a bounded processor time.

`--chosen FILE` is a JSON object: test ids, and the seconds of processor time that each may take.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import msgspec
import pytest

_TERMINAL = os.dup(1)
"""The output as it is before pytest captures what tests print."""


class Plugin:
    """Orders, leaves out, and ends."""

    def __init__(self, limits_s: dict[str, float]) -> None:
        self._limits_s = limits_s
        self._test = ""
        signal.signal(signal.SIGPROF, self._too_long)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave the tests that are named, in their order."""
        found = {item.nodeid: item for item in items}
        left_out = [item for item in items if item.nodeid not in self._limits_s]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [found[name] for name in self._limits_s if name in found]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run one test while a timer counts."""
        self._test = item.nodeid
        signal.setitimer(signal.ITIMER_PROF, self._limits_s[item.nodeid])
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _too_long(self, number: int, frame: FrameType | None) -> None:
        limit_s = self._limits_s[self._test]
        os.write(
            _TERMINAL, f"\nFAILED {self._test} - no end within {limit_s:.1f} s of processor time\n".encode()
        )
        os._exit(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--chosen`."""
    parser.addoption("--chosen", type=Path, metavar="FILE", help="the tests to run, and their limits")


def pytest_configure(config: pytest.Config) -> None:
    """Choose, where a file is named."""
    if file := config.getoption("--chosen"):
        limits_s = msgspec.json.decode(file.read_bytes(), type=dict[str, float])
        config.pluginmanager.register(Plugin(limits_s))
