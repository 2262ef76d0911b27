"""The only importer of `docker`: what one project asks of it, and the SDK's errors turned into ours."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import kwargs_from_env

from driver.engines import compose_reading
from driver.engines.compose_reading import Cable
from driver.engines.engine import Container
from driver.errors import AddressInUseError, ContainerGoneError, EngineError, EngineGoneError

CALL_TIMEOUT_S = 20
CONNECTIONS = 16
# A container may be silent for as long as it likes; a day is the bound that every wait here must have.
FOLLOW_TIMEOUT_S = 86_400
_ADDRESS_TAKEN = "Address already in use"
_IN_PROGRESS = "is already in progress"
POLL_S = 0.05
KEPT_S = 3_600.0
# What health checks do (exec_…) is left out: it would be most of the stream.
_CHANGES = {
    "type": ["container", "network"],
    "event": ["kill", "die", "oom", "start", "pause", "unpause", "update", "connect", "disconnect"],
}

_log = logging.getLogger("stormlab.engine")
R = TypeVar("R")


class DockerEvents:
    """A stream of raw events. The SDK's errors become ours; `close` ends it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with _mapped():
            try:
                yield from self._stream
            except Exception as error:
                # Four libraries stand between this and the socket, and each has errors of its own for one
                # that was cut, or that `close` shut down.
                _log.debug("the stream of events: %s: %s", type(error).__name__, error)
                if not self._closed:
                    raise EngineGoneError("The Docker engine broke its stream of events off.") from None

    def close(self) -> None:
        """End the iteration, also from another thread."""
        self._closed = True
        self._stream.close()


class DockerSdk:
    """What the engine of one project asks Docker. Containers go by the lab's names."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._connected: docker.DockerClient | None = None

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files and ports."""
        return str(_where().get("base_url", "")).startswith(("unix:", "npipe:", "http+unix:"))

    def version(self) -> dict[str, Any]:
        """What the engine says of itself."""
        with _mapped():
            return dict(self._client.version())

    # -- containers ----------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        """All of the project, in any state, in one call."""
        return sorted(map(compose_reading.container, self.rows()), key=compose_reading.natural)

    def ask(self, name: str, call: Callable[[docker.APIClient, str], R]) -> R:
        """`call` with the engine's API and the id of the container of that name."""
        with _mapped(name):
            return call(self._client.api, self._id(name))

    def inspect(self, name: str) -> dict[str, Any]:
        """All that the engine knows about a container."""
        return self.ask(name, lambda api, found: dict(api.inspect_container(found)))

    def stats(self, one: Container) -> dict[str, Any]:
        """One answer of the stats call; empty when the container has gone."""
        with _mapped(one.name):
            try:
                return dict(self._client.api.stats(one.id, stream=False, one_shot=True))
            except NotFound:
                return {}

    def log(self, name: str, tail: int | Literal["all"]) -> bytes:
        """What a container printed so far."""
        return self.ask(name, lambda api, found: bytes(api.logs(found, timestamps=True, tail=tail)))

    def follow(self, name: str, tail: int) -> Iterator[bytes]:
        """What a container printed and prints, until it ends."""
        with _mapped(name):
            api = docker.APIClient(**_where(), timeout=FOLLOW_TIMEOUT_S)
            yield from api.logs(self._id(name), stream=True, follow=True, timestamps=True, tail=tail)

    def events(self, since_wall_s: int | None) -> DockerEvents:
        """Raw events of containers and networks, of all projects."""
        with _mapped():
            api = docker.APIClient(**_where(), timeout=FOLLOW_TIMEOUT_S)
            return DockerEvents(api.events(since=since_wall_s, decode=True, filters=_CHANGES))

    def inspect_id(self, container_id: str) -> dict[str, Any] | None:
        """All that the engine knows about a container; None when it is gone."""
        with _mapped():
            try:
                return dict(self._client.api.inspect_container(container_id))
            except NotFound:
                return None

    def rows(self) -> list[dict[str, Any]]:
        """The engine's list of the project's containers, as it answers it."""
        with _mapped():
            return list(self._client.api.containers(all=True, filters=self._label))

    def archive(self, name: str, path: str, most_bytes: int) -> bytes:
        """A tar archive of a folder inside a container. Raises EngineError when it is longer."""

        def fetched(api: docker.APIClient, found: str) -> bytes:
            packed = bytearray()
            for piece in api.get_archive(found, path)[0]:
                packed += piece
                if len(packed) > most_bytes:
                    raise EngineError(f"{path} of {name} holds more than {most_bytes} bytes.")
            return bytes(packed)

        return self.ask(name, fetched)

    def create(self, name: str, settings: dict[str, Any]) -> None:
        """Make a container, by the engine's own words (its API's body)."""
        with _mapped(name):
            # The stock call; what it takes is not typed.
            make: Callable[..., Any] = self._client.api.create_container_from_config
            make(settings, name)

    def limit(self, name: str, cpu_quota_us: int, memory_bytes: int) -> None:
        """Set ceilings: processor time in each tenth of a second (-1: none), memory; 0 leaves as it is."""
        self.ask(
            name,
            lambda api, found: api.update_container(
                found,
                cpu_period=100_000,
                cpu_quota=cpu_quota_us,
                mem_limit=memory_bytes,
                memswap_limit=memory_bytes,
            ),
        )

    def start(self, name: str) -> None:
        """Start a container that ended. Raises AddressInUseError when another has the address it asks for."""
        self.ask(name, lambda api, found: api.start(found))

    def connect(self, name: str, cable: Cable) -> None:
        """Plug a container into a network."""
        self.ask(
            name,
            lambda api, found: api.connect_container_to_network(
                found, cable.network, ipv4_address=cable.address or None, aliases=cable.aliases
            ),
        )

    def disconnect(self, name: str, cable: Cable) -> None:
        """Pull a container off a network."""
        self.ask(
            name, lambda api, found: api.disconnect_container_from_network(found, cable.network, force=True)
        )

    def remove(self, one: Container) -> None:
        """Remove a container in any state; one that is gone already is well."""
        with _mapped(one.name):
            try:
                self._client.api.remove_container(one.id, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                if _IN_PROGRESS not in str(error.explanation) or not self._goes(one.id):
                    raise

    def _goes(self, container_id: str) -> bool:
        """Whether a container that is being removed already is gone within the time of a call."""
        deadline = time.monotonic() + CALL_TIMEOUT_S
        while self.inspect_id(container_id) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    # -- images, networks, volumes -------------------------------------------------------------------------

    def image_id(self, name: str) -> str | None:
        """The id of an image, or None where there is none of that name."""
        with _mapped():
            try:
                return str(self._client.images.get(name).id)
            except ImageNotFound:
                return None

    def tag(self, name: str, repository: str, tag: str) -> None:
        """Give an image one more name."""
        with _mapped():
            self._client.images.get(name).tag(repository, tag)

    def keep_newest(self, repository: str, count: int) -> None:
        """Remove all but the newest images of a repository, as far as no container uses them.

        One that was tagged within KEPT_S stays: another checkout is about to start containers from it.
        """
        since = f"{datetime.now(UTC) - timedelta(seconds=KEPT_S):%Y-%m-%dT%H:%M:%S}"
        with _mapped():
            found = self._client.images.list(repository)
            found.sort(key=lambda one: str(one.attrs["Created"]), reverse=True)
            old = [one for one in found[count:] if _last_tagged(one.attrs) < since]
            for name in [tag for image in old for tag in image.tags]:
                try:
                    self._client.images.remove(name)
                except APIError as error:
                    _log.debug("kept %s: %s", name, error.explanation)

    def all_networks(self) -> list[dict[str, Any]]:
        """Every network of the engine, whosever it is."""
        with _mapped():
            return list(self._client.api.networks())

    def network(self, name: str) -> dict[str, Any]:
        """One network of the project."""
        with _mapped():
            return dict(self._client.api.inspect_network(f"{self._project}_{name}"))

    def remove_networks_and_volumes(self) -> list[str]:
        """Remove the project's; the names of those that are still there afterwards."""
        with _mapped():
            for network in self._client.networks.list(filters=self._label):
                with suppress(NotFound):
                    network.remove()
            for volume in self._client.volumes.list(filters=self._label):
                with suppress(NotFound):
                    volume.remove(force=True)
            left = [f"network {one.name}" for one in self._client.networks.list(filters=self._label)]
            return left + [f"volume {one.name}" for one in self._client.volumes.list(filters=self._label)]

    # -- the connection ------------------------------------------------------------------------------------

    @property
    def _client(self) -> docker.DockerClient:
        if self._connected is None:
            with _mapped():
                self._connected = docker.DockerClient(
                    **_where(), timeout=CALL_TIMEOUT_S, max_pool_size=CONNECTIONS, use_ssh_client=True
                )
        return self._connected

    @property
    def _label(self) -> dict[str, str]:
        return {"label": f"{compose_reading.PROJECT}={self._project}"}

    def _id(self, name: str) -> str:
        for one in self.containers():
            if one.name == name:
                return one.id
        raise ContainerGoneError(
            f"There is no container {name} in the lab {self._project!r}.", "See: python lab.py status"
        )


def _last_tagged(image: Mapping[str, Any]) -> str:
    """When an image was made or last given a name, in UTC: such texts sort as their times do."""
    tagged = (image.get("Metadata") or {}).get("LastTagTime") or ""
    return max(str(image["Created"]), str(tagged))


def _where() -> dict[str, Any]:
    """The engine that the docker client would ask: DOCKER_HOST, else the current context's."""
    if os.environ.get("DOCKER_HOST"):
        return {**kwargs_from_env()}
    context = ContextAPI.get_current_context()
    return {"base_url": context.Host, "tls": context.TLSConfig or False}


@contextmanager
def _mapped(name: str = "") -> Iterator[None]:
    """Turns the SDK's errors into ours."""
    about = f" about {name}" if name else ""
    try:
        yield
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        _log.debug("the engine does not answer: %s", error)
        raise EngineGoneError(
            "The Docker engine stopped answering.",
            "Start it again: python lab.py setup. Then: python lab.py down",
        ) from None
    except APIError as error:
        kind: type[EngineError] = EngineError
        if _ADDRESS_TAKEN in str(error.explanation):
            kind = AddressInUseError
        elif name and isinstance(error, NotFound):
            kind = ContainerGoneError
        raise kind(f"The Docker engine refused a request{about}: {error.explanation or error}.") from None
    except DockerException as error:
        _log.debug("no engine: %s", error)
        raise EngineGoneError("No Docker engine answers.", "Set one up: python lab.py setup") from None
