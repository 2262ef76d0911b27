"""A load's container on the network on which doors take connections from outside; removed at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from driver.errors import LabError
from driver.loads.load import OutsideNetwork

_REMOVE = 'read -r _; docker rm -f "$1" >/dev/null 2>&1'
"""Waits for the end of this process, which holds its standard input open, and removes a container."""
_REMOVE_WITHIN_S = 30.0


def container_name(network: OutsideNetwork, load: str) -> str:
    """Return the name of a load's container, of which there is one."""
    return f"{network.name}-load-{load}".lower()


def container_argv(
    network: OutsideNetwork, name: str, image: str, command: Sequence[str], variables: Mapping[str, str]
) -> list[str]:
    """Return the command that runs a program in a container. Its variables are in the environment of the
    client of the engine: no value is on a command line.
    """
    labels = {"com.docker.compose.project": network.project, "com.docker.compose.service": "sl-load"}
    return [
        *("docker", "run", "--rm", "--init", "--pull", "never"),
        *("--name", name, "--network", network.name),
        *(word for label, value in labels.items() for word in ("--label", f"{label}={value}")),
        *(word for variable in sorted(variables) for word in ("--env", variable)),
        *("--", image, *command),
    ]


@asynccontextmanager
async def removed_at_end(name: str) -> AsyncIterator[None]:
    """Remove a container at the block's end, also where this process is killed in it. Raises LabError."""
    try:
        remover = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", _REMOVE, "sh", name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise LabError(f"The container {name} is not started, since nothing would end it: {error}.") from None
    try:
        yield
    finally:
        assert remover.stdin is not None
        remover.stdin.close()
        async with asyncio.timeout(_REMOVE_WITHIN_S):
            await remover.wait()
