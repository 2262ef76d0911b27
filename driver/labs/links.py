"""The only importer of `toxiproxy`: the links, their faults and leases; a server's errors become ours here.

The stock client is asked what it can tell; our own routes (chaos/toxiproxy/README.md) share its session.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import requests
import toxiproxy.api
from requests.adapters import HTTPAdapter
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from driver.errors import LinksError
from wire.errors import DECODE_ERRORS

CALL_TIMEOUT_S = 10.0
# Toxiproxy answers a fault with a time in the future only once it has begun.
LONGEST_LEAD_S = 20.0

_log = logging.getLogger("stormlab.links")
S = TypeVar("S", bound=msgspec.Struct)


class Link(msgspec.Struct, frozen=True):
    """A link to make: `listen` and `upstream` are `host:port`."""

    name: str
    listen: str
    upstream: str


class LinkState(msgspec.Struct, frozen=True):
    """A link as Toxiproxy has it. `connections` live now, `accepted` since it was made."""

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


class ToxicState(msgspec.Struct, frozen=True):
    """One toxic of a fault and what it counted."""

    name: str
    type: str
    stream: str
    counters: dict[str, int] = {}


class FaultedLink(msgspec.Struct, frozen=True):
    """What one link had of a fault. Times are CLOCK_MONOTONIC of Toxiproxy's host. `present`: nobody else had
    taken it away, by now or by its end.
    """

    link: str
    began_at_mono_ns: int = 0
    ended_at_mono_ns: int = 0
    connections_hit: int = 0
    present: bool = True
    toxics: list[ToxicState] = []


class FaultState(msgspec.Struct, frozen=True):
    """A fault as Toxiproxy has it. `state` is on or ended; `ended_because`: deleted, lease or heal."""

    id: str
    state: str
    links: list[FaultedLink]
    action: str = "none"
    lease_left_ms: int = 0
    began_at_mono_ns: int = 0
    ended_at_mono_ns: int = 0
    ended_because: str = ""
    spread_ns: int = 0


class _Links(msgspec.Struct):
    links: list[LinkState]


class _Faults(msgspec.Struct):
    on: list[FaultState]
    ended: list[FaultState]


class _Put(msgspec.Struct):
    created: list[str]


class _Clock(msgspec.Struct):
    mono_ns: int


class HealResult(msgspec.Struct, frozen=True):
    """What `heal` ended, removed and enabled; `stuck` links could not be."""

    faults: list[str]
    toxics: int
    enabled: list[str]
    stuck: list[str]


class _Health(msgspec.Struct):
    version: str
    links: int


class _Refusal(msgspec.Struct):
    error: str
    links: dict[str, str] = {}


class Links:
    """The Toxiproxy of one lab. Every call blocks, is bounded, and raises LinksError."""

    def __init__(self, host: str, port: int) -> None:
        self._base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._session = _session()
        # The stock client keeps its server's address, and how it asks, in its module: one server a process.
        toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port = host, port
        toxiproxy.api.requests = self._session
        self._stock = toxiproxy.Toxiproxy()

    def enabled_names(self) -> set[str]:
        """Names of the links that are open, told by the stock client: a second view beside our own routes."""
        try:
            return {name for name, proxy in self._stock.proxies().items() if proxy.enabled}
        except (requests.RequestException, InvalidToxic, NotFound, ProxyExists, KeyError) as error:
            raise self._unreachable(error) from None

    def version(self) -> str:
        """Of the Toxiproxy that this build is made of."""
        return self._ask("GET", "/lab/healthz", _Health).version

    def count(self) -> int:
        """How many links stand."""
        return self._ask("GET", "/lab/healthz", _Health).links

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            self._ask("GET", "/lab/healthz", _Health)
        except LinksError:
            return False
        return True

    def clock_ns(self) -> int:
        """CLOCK_MONOTONIC of its host."""
        return self._ask("GET", "/lab/clock", _Clock).mono_ns

    def create(self, links: Sequence[Link], remove_others: bool = False) -> None:
        """Make these links; those that stand already are left as they are."""
        body = {"links": links, "remove_others": remove_others}
        self._ask("PUT", "/lab/links", _Put, body)

    def states(self) -> list[LinkState]:
        """Every link."""
        return self._ask("GET", "/lab/links", _Links).links

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        """Put a fault on, as the body of `POST /lab/faults` has it; `lead_s` is how far ahead it begins."""
        return self._ask(
            "POST", "/lab/faults", FaultState, fault, min(lead_s, LONGEST_LEAD_S) + CALL_TIMEOUT_S
        )

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        """Keep a fault on for so long from now. Raises LinksError when it has ended."""
        return self._ask("POST", f"/lab/faults/{fault_id}/renew", FaultState, {"lease_ms": lease_ms})

    def end_fault(self, fault_id: str) -> FaultState:
        """End a fault; one that has ended already gives the same answer."""
        return self._ask("DELETE", f"/lab/faults/{fault_id}", FaultState)

    def faults(self) -> list[FaultState]:
        """Faults that are on."""
        return self._ask("GET", "/lab/faults", _Faults).on

    def heal(self) -> HealResult:
        """End every fault, remove every toxic, enable every link."""
        return self._ask("POST", "/lab/heal", HealResult)

    def _ask(
        self, method: str, path: str, kind: type[S], body: object = None, timeout_s: float = CALL_TIMEOUT_S
    ) -> S:
        data = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._session.request(method, self._base + path, data=data, timeout=timeout_s)
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        if answer.status_code >= 400:
            raise LinksError(f"Toxiproxy refused {method} {path}: {_refusal(answer.content)}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except DECODE_ERRORS as error:
            raise LinksError(
                f"Toxiproxy answered {method} {path} with something else than expected: {error}.",
                "Is it the lab's own build? python lab.py build",
            ) from None

    def _unreachable(self, error: Exception) -> LinksError:
        _log.debug("%s: %s", self._base, error)
        what = "did not answer in time" if isinstance(error, requests.Timeout) else "does not answer"
        return LinksError(f"Toxiproxy at {self._base} {what}.", "See: python lab.py status")


class _Bounded(HTTPAdapter):
    """Gives every call a time limit, also those of the stock client, which sets none."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or CALL_TIMEOUT_S
        return super().send(request, *args, **kwargs)


def _session() -> requests.Session:
    session = requests.Session()
    # The lab's own ports are never behind the proxies that the environment may name.
    session.trust_env = False
    session.mount("http://", _Bounded(pool_maxsize=4))
    return session


def _refusal(content: bytes) -> str:
    try:
        said = msgspec.json.decode(content, type=_Refusal)
    except DECODE_ERRORS:
        return content[:200].decode(errors="replace")
    links = "; ".join(f"{name}: {why}" for name, why in sorted(said.links.items())[:3])
    return f"{said.error} ({links})" if links else said.error
