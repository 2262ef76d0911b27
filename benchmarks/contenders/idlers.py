"""Idle clients: sessions of the coordinator, and plain connections whose messages come back.

Both send messages of the same size, equally often.
"""

from __future__ import annotations

from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect

from tests.coordinator.fake_worker import FakeWorker
from tests.worker.small_coordinator import KEY

HEARTBEAT_BYTES = 58
"""The size of an idle worker's heartbeat as it travels."""


class Idler(Protocol):
    """One idle client."""

    async def enter(self) -> None:
        """Connect, and finish the handshake."""
        ...

    async def beat(self) -> None:
        """Send one message, and receive its answer."""
        ...

    async def leave(self) -> None:
        """Close the connection."""
        ...


class IdleSession:
    """A session at the coordinator, over the wire as it is: handshake, inventory, sealed heartbeats."""

    def __init__(self, number: int, port: int) -> None:
        self._worker = FakeWorker(f"worker-{number}", port, KEY)

    async def enter(self) -> None:
        await self._worker.connect()
        await self._worker.inventory()
        await self._worker.heartbeat()

    async def beat(self) -> None:
        await self._worker.heartbeat()

    async def leave(self) -> None:
        await self._worker.close()


class IdleConnection:
    """A connection to a bare server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._link: ClientConnection

    async def enter(self) -> None:
        address = f"ws://127.0.0.1:{self._port}/"
        self._link = await connect(address, compression=None, proxy=None, ping_interval=None)
        await self.beat()
        await self.beat()

    async def beat(self) -> None:
        await self._link.send(bytes(HEARTBEAT_BYTES))
        await self._link.recv()

    async def leave(self) -> None:
        await self._link.close()
