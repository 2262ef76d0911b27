"""The conformance suite on three Docker hosts that this makes, and ends: `python -m tests.hosts.conformance`.

Further words are pytest's.
"""

from __future__ import annotations

import os
import sys

import pytest

from driver.engines.kinds.hosts import HOSTS
from tests.hosts.docker_hosts import docker_hosts

AHEAD_S = (600, 0, 7_200)


def main() -> int:
    """Run it; the exit code of pytest."""
    with docker_hosts(AHEAD_S) as hosts:
        os.environ[HOSTS] = ",".join(host.api for host in hosts)
        os.environ["STORMLAB_CONFORMANCE"] = "hosts"
        return int(pytest.main(["-p", "no:cacheprovider", "tests/conformance", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
