"""A Redis server for the benchmarks. `python -m driver.machine.redis_server` installs one if missing."""

from __future__ import annotations

import os
import shutil
import sys

from driver.machine.apt import install_own
from driver.machine.shell import MachineError, Say

NAME = "redis-server"


def find_redis() -> str:
    """Return the path of a Redis server. Raises MachineError with the command that installs one."""
    found = shutil.which(NAME)
    if found is None:
        raise MachineError(
            "Celery's rows of the benchmarks need a Redis server; no `redis-server` is on the PATH. "
            "Run: sudo apt-get install redis-server"
        )
    return found


def ensure_redis(say: Say) -> str:
    """Return a Redis server, installed from the host's packages if missing. Raises MachineError."""
    if shutil.which(NAME) is None and shutil.which("apt-get") is not None and os.geteuid() == 0:
        install_own((NAME,), say)
    return find_redis()


def main() -> int:
    """Return 0 with a Redis server, the error's exit code without."""
    try:
        ensure_redis(lambda text: print(f"stormlab: {text}", flush=True))
    except MachineError as error:
        print(f"stormlab: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
