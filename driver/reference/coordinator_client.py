"""Client of the coordinator's control API: typed and bounded in time."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from driver.reference.errors import CoordinatorError
from driver.typed_json import decode_json
from wire.control import (
    CoordinatorHealth,
    CoordinatorState,
    Submission,
    SubmissionReply,
    TaskSpec,
    authorization,
)
from wire.errors import DECODE_ERRORS

if TYPE_CHECKING:
    import aiohttp

S = TypeVar("S")

CALL_TIMEOUT_S = 5.0


class CoordinatorClient:
    """Client of one coordinator, used as an async context.

    Every call takes `call_timeout_s` at most, and raises CoordinatorError when the coordinator does not
    answer, refuses (HTTP status 400 or more), or answers something unexpected.
    """

    def __init__(self, host: str, port: int, token: str, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._call_timeout_s = call_timeout_s
        self._headers = authorization(token)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> CoordinatorClient:
        # Its import takes as long as a container's start, and most commands ask no coordinator.
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._call_timeout_s)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def health(self) -> CoordinatorHealth:
        """Return the coordinator's epoch and clock. Refused (503) while it drains."""
        return self._decoded(await self._ask("GET", "/healthz"), CoordinatorHealth)

    async def state(self) -> CoordinatorState:
        """Return the coordinator's whole state."""
        return self._decoded(await self._ask("GET", "/state"), CoordinatorState)

    async def state_json(self) -> msgspec.Raw:
        """Return the coordinator's whole state as the JSON text that it sent."""
        return msgspec.Raw(await self._ask("GET", "/state"))

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        """Submit tasks. Repeating is safe: the coordinator accepts each id once."""
        body = msgspec.json.encode(Submission(tasks))
        return self._decoded(await self._ask("POST", "/tasks", body), SubmissionReply)

    def _decoded(self, answer: bytes, kind: type[S]) -> S:
        try:
            return decode_json(answer, kind)
        except DECODE_ERRORS as error:
            raise CoordinatorError(
                f"The coordinator at {self.url} answered something unexpected: {error}."
            ) from None

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        import aiohttp

        assert self._session is not None, "used outside of its context"
        try:
            async with self._session.request(method, self.url + path, data=body) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = f"{type(error).__name__} {error}".strip()
            raise CoordinatorError(
                f"The coordinator's control API at {self.url} does not answer {method} {path} ({detail}).",
                "See: python lab.py logs coordinator",
            ) from None
        if answer.status >= 400:
            said = content[:200].decode(errors="replace")
            raise CoordinatorError(f"The coordinator refused {method} {path} with {answer.status}: {said}")
        return content
