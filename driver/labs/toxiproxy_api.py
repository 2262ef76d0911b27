"""Client of our Toxiproxy build's own routes (chaos/toxiproxy/README.md): links, faults and leases."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import requests
from requests.adapters import HTTPAdapter

from driver.errors import LinksError
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

CALL_TIMEOUT_S = 10.0
LONGEST_LEAD_S = 20.0
"""Toxiproxy answers only once a fault has begun: up to this much of its lead extends the call's limit."""

LONGEST_WAIT_S = 10.0
"""Toxiproxy answers a wait for an anchor after this much at the latest."""

_log = logging.getLogger("stormlab.links")
S = TypeVar("S", bound=msgspec.Struct)


class Link(msgspec.Struct, frozen=True):
    """A link to create: `listen` and `upstream` are `host:port`."""

    name: str
    listen: str
    upstream: str


class LinkState(msgspec.Struct, frozen=True):
    """State of a link. `connections` are live now, `accepted` counts since its creation; bytes are totals.

    Of a `stuck` link, whether it is enabled and its toxics could not be read in time.
    """

    name: str
    listen: str
    upstream: str
    enabled: bool
    connections: int
    accepted: int
    bytes_upstream: int
    bytes_downstream: int
    toxics: list[str]
    faults: list[str]
    stuck: bool = False

    @property
    def is_degraded(self) -> bool:
        """Whether the link has a fault or a toxic, is closed, or is stuck."""
        return bool(self.faults or self.toxics or self.stuck or not self.enabled)


class ToxicState(msgspec.Struct, frozen=True):
    """One toxic of a fault, and its counters."""

    name: str
    type: str
    stream: str
    counters: dict[str, int] = {}


class FaultedLink(msgspec.Struct, frozen=True):
    """Part of a fault on one link. Times are CLOCK_MONOTONIC of Toxiproxy's host, in nanoseconds.

    `present`: no other client had removed it, by now or by its end. `connections_hit` counts live
    connections.
    """

    link: str
    began_at_mono_ns: int = 0
    ended_at_mono_ns: int = 0
    connections_hit: int = 0
    present: bool = True
    toxics: list[ToxicState] = []


class StruckState(msgspec.Struct, frozen=True):
    """Where an anchor was reached: chaos.anchor.Strike, with Toxiproxy's name of the stream."""

    link: str
    stream: str
    bytes: int
    frame: int
    opened: int
    connection: int
    exact: bool
    at_mono_ns: int


class AnchorState(msgspec.Struct, frozen=True):
    """The anchor of a fault; `struck` is None until it is reached."""

    links: list[str]
    armed_at_mono_ns: int
    struck: StruckState | None = None


class FaultState(msgspec.Struct, frozen=True):
    """State of a fault. `state` is armed (it waits for its anchor), on or ended, `ended_because` deleted,
    lease, heal or failed (it could not begin at its anchor).

    `action` is a LinkAction. `began_at_mono_ns` is 0 before its begin.
    """

    id: str
    state: str
    links: list[FaultedLink]
    action: str = "none"
    lease_left_ms: int = 0
    began_at_mono_ns: int = 0
    ended_at_mono_ns: int = 0
    ended_because: str = ""
    anchor: AnchorState | None = None


class _Links(msgspec.Struct):
    links: list[LinkState]


class _Faults(msgspec.Struct):
    on: list[FaultState]
    ended: list[FaultState]


class _Created(msgspec.Struct):
    created: list[str]


class _Clock(msgspec.Struct):
    mono_ns: int


class HealResult(msgspec.Struct, frozen=True):
    """Result of `heal`: ended faults, removed toxics, enabled links; `stuck` links remain disabled."""

    faults: list[str]
    toxics: int
    enabled: list[str]
    stuck: list[str]


class _Health(msgspec.Struct):
    links: int


class _Refusal(msgspec.Struct):
    error: str
    links: dict[str, str] = {}


class ToxiproxyApi:
    """Client of one Toxiproxy, for any thread; a process may have several.

    Every call blocks, takes `call_timeout_s` at most, and raises LinksError when Toxiproxy does not answer,
    refuses, or answers something unexpected.
    """

    def __init__(self, host: str, port: int, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._call_timeout_s = call_timeout_s
        self._base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._session = _session(call_timeout_s)

    def enabled_names(self) -> set[str]:
        """Return the names of the enabled links."""
        return {link.name for link in self.states() if link.enabled}

    def count(self) -> int:
        """Return the number of links."""
        return self._ask("GET", "/lab/healthz", _Health).links

    def is_up(self) -> bool:
        """Return whether Toxiproxy answers. Raises nothing."""
        try:
            self._ask("GET", "/lab/healthz", _Health)
        except LinksError:
            return False
        return True

    def clock_ns(self) -> int:
        """Return CLOCK_MONOTONIC of Toxiproxy's host."""
        return self._ask("GET", "/lab/clock", _Clock).mono_ns

    def create(self, links: Sequence[Link], remove_others: bool = False) -> None:
        """Create links, and remove all others if asked to. Existing links of these names remain unchanged."""
        body = {"links": links, "remove_others": remove_others}
        self._ask("PUT", "/lab/links", _Created, body)

    def states(self) -> list[LinkState]:
        """Return the state of every link."""
        return self._ask("GET", "/lab/links", _Links).links

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        """Begin a fault, and return its state. Takes up to `lead_s` more than other calls.

        `fault` is the body of `POST /lab/faults`, and `lead_s` the time until its begin.
        """
        return self._ask(
            "POST", "/lab/faults", FaultState, fault, min(lead_s, LONGEST_LEAD_S) + self._call_timeout_s
        )

    def wait_fault(self, fault_id: str, within_s: float) -> FaultState:
        """Return a fault's state once it no longer waits for its anchor, at the latest after `within_s`."""
        within_ms = round(min(within_s, LONGEST_WAIT_S) * 1e3)
        path, body = f"/lab/faults/{fault_id}/wait", {"within_ms": within_ms}
        return self._ask("POST", path, FaultState, body, within_ms / 1e3 + self._call_timeout_s)

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        """Let a fault's lease expire `lease_ms` from now. Raises LinksError when the fault has ended."""
        return self._ask("POST", f"/lab/faults/{fault_id}/renew", FaultState, {"lease_ms": lease_ms})

    def end_fault(self, fault_id: str) -> FaultState:
        """End a fault, and return its last state. Repeating returns the same."""
        return self._ask("DELETE", f"/lab/faults/{fault_id}", FaultState)

    def faults(self) -> list[FaultState]:
        """Return the active faults."""
        return self._ask("GET", "/lab/faults", _Faults).on

    def heal(self) -> HealResult:
        """End every fault, remove every toxic, enable every link."""
        return self._ask("POST", "/lab/heal", HealResult)

    def _ask(
        self, method: str, path: str, kind: type[S], body: object = None, timeout_s: float | None = None
    ) -> S:
        data = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._session.request(method, self._base + path, data=data, timeout=timeout_s)
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        if answer.status_code >= 400:
            raise LinksError(f"Toxiproxy refused {method} {path}: {_refusal(answer.content)}")
        try:
            return decode_json(answer.content, kind)
        except DECODE_ERRORS as error:
            raise LinksError(
                f"Toxiproxy answered {method} {path} with something unexpected: {error}.",
                "Is it the lab's own build? python lab.py build",
            ) from None

    def _unreachable(self, error: Exception) -> LinksError:
        _log.debug("%s: %s", self._base, error)
        what = "did not answer in time" if isinstance(error, requests.Timeout) else "does not answer"
        return LinksError(f"Toxiproxy at {self._base} {what}.", "See: python lab.py status")


class _TimeLimit(HTTPAdapter):
    """Sets a time limit on every call that has none."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__(pool_maxsize=4)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout_s
        return super().send(request, *args, **kwargs)


def _session(call_timeout_s: float) -> requests.Session:
    session = requests.Session()
    # The lab's ports are never behind a proxy of the environment.
    session.trust_env = False
    session.mount("http://", _TimeLimit(call_timeout_s))
    return session


def _refusal(content: bytes) -> str:
    try:
        refusal = decode_json(content, _Refusal)
    except DECODE_ERRORS:
        return content[:200].decode(errors="replace")
    links = "; ".join(f"{name}: {why}" for name, why in sorted(refusal.links.items())[:3])
    return f"{refusal.error} ({links})" if links else refusal.error
