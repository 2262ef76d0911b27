"""A process that has imported what tests need, and forks one that runs some for each line that it reads.

Run by its path, so that nothing of the tree is imported here: `python tests/mutants/fork_server.py`. A line
is an Order as JSON; the answer is a line with the exit status of pytest, or less than 0 when the time was up.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

import pytest

NEEDED = (
    "aiohttp", "hypothesis", "msgspec", "pydantic", "pytest_asyncio", "sqlite3", "uvloop", "yaml",
    "websockets.asyncio.client", "websockets.asyncio.server",
)  # fmt: skip


MEMORY_MAX = 6 << 30
"""Bytes of address space: a defect may ask for memory without end."""


def run(order: dict[str, Any]) -> int:
    """Run pytest in `root`; what it prints goes to the file `log`."""
    signal.alarm(order["limit_s"])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    if order["cpu_s"]:
        resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_s"], order["cpu_s"] + 1))
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    os.chdir(order["root"])
    sys.path[0] = order["root"]
    return int(pytest.main(order["arguments"]))


def main() -> None:
    """Serve until the input ends."""
    for name in NEEDED:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 3  # What pytest says of an error of its own.
            try:
                status = run(json.loads(line))
            finally:
                sys.stdout.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
