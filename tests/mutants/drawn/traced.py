"""A pytest plugin: the lines of the code that each test runs, and the time that it takes.

`--traced FILE` names where they are written, as JSON.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec
import pytest

FOLDERS = ("wire", "coordinator", "worker", "chaos", "driver")


class TestTrace(msgspec.Struct):
    """One test: seconds by the clock, seconds of processor time, and lines by file (named from the root)."""

    __test__ = False
    took_s: float
    cpu_s: float
    lines: dict[str, list[int]]


class Tracer:
    """Collects the lines that run in files below some folders."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._folders = tuple(f"{root}/{folder}/" for folder in FOLDERS)
        self._lines: dict[str, set[int]] = {}
        self._by_code: dict[CodeType, Any] = {}

    def begin(self) -> None:
        """Forget the lines of before; trace from now on."""
        for lines in self._lines.values():
            lines.clear()
        threading.settrace(self._call)
        sys.settrace(self._call)

    def end(self) -> dict[str, list[int]]:
        """Stop, and return the lines that ran since `begin`."""
        sys.settrace(None)
        threading.settrace(None)
        return {name.removeprefix(self._root): sorted(lines) for name, lines in self._lines.items() if lines}

    def _call(self, frame: FrameType, kind: str, argument: object) -> Any:
        code = frame.f_code
        if code not in self._by_code:
            self._by_code[code] = self._local(code.co_filename)
        return self._by_code[code]

    def _local(self, name: str) -> Any:
        if not name.startswith(self._folders):
            return None
        lines = self._lines.setdefault(name, set())

        def note(frame: FrameType, kind: str, argument: object) -> Any:
            lines.add(frame.f_lineno)
            return note

        return note


class Plugin:
    """Traces every test."""

    def __init__(self, root: Path, file: Path) -> None:
        self._tracer = Tracer(root)
        self._file = file
        self._tests: dict[str, TestTrace] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run one test, its fixtures included."""
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        self._tracer.begin()
        try:
            return (yield)
        finally:
            lines = self._tracer.end()
            cpu_s = time.process_time() - began_cpu_s
            self._tests[item.nodeid] = TestTrace(time.monotonic() - began_s, cpu_s, lines)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        self._file.write_bytes(msgspec.json.encode(self._tests))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--traced`."""
    parser.addoption("--traced", type=Path, metavar="FILE", help="where the lines are written")


def pytest_configure(config: pytest.Config) -> None:
    """Trace, where a file is named."""
    if file := config.getoption("--traced"):
        config.pluginmanager.register(Plugin(config.rootpath, file))
