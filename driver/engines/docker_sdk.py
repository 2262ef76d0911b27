"""Client of the Docker API for one project. Raises EngineError instead of the SDK's errors.

The only importer of `docker`. Every call is bounded by `call_timeout_s`, but for streams (FOLLOW_TIMEOUT_S).
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import IPAMConfig, IPAMPool
from docker.utils import kwargs_from_env

from driver.engines import docker_answers
from driver.engines.container_texts import PROJECT
from driver.engines.docker_answers import NetworkAttachment
from driver.engines.engine import Container, ResourceReading
from driver.errors import AddressInUseError, ContainerGoneError, EngineError, EngineGoneError, NoFileError

CALL_TIMEOUT_S = 20
CONNECTIONS = 16
FOLLOW_TIMEOUT_S = 86_400
"""Limit of the wait for the next piece of a stream: a container may print nothing for hours."""
_ADDRESS_TAKEN = "Address already in use"
_NO_CONTAINER = "No such container"
_IN_PROGRESS = "is already in progress"
POLL_S = 0.05
KEPT_S = 3_600.0
# Without exec_…: health checks would be most of the stream.
_CHANGES = {
    "type": ["container", "network"],
    "event": ["kill", "die", "oom", "start", "pause", "unpause", "update", "connect", "disconnect"],
}

_log = logging.getLogger("stormlab.engine")
R = TypeVar("R")


class DockerEvents:
    """A stream of the API's events, until `close`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each event. Raises EngineGoneError when the stream ends by an error, unless it was closed."""
        with translated_errors():
            try:
                yield from self._stream
            except Exception as error:
                # Four libraries are between this and the socket, each with its own errors for a socket that
                # was cut, or closed by `close`.
                _log.debug("the stream of events: %s: %s", type(error).__name__, error)
                if not self._closed:
                    raise EngineGoneError("The Docker engine broke its stream of events off.") from None

    def close(self) -> None:
        """End the iteration, also from another thread."""
        self._closed = True
        self._stream.close()


class DockerSdk:
    """The Docker API, restricted to one project. Containers have the names that `name` gives them.

    `address` is the engine's, like ssh://host; None: the engine that the docker command uses.

    Every call raises EngineGoneError when no engine answers and EngineError when it refuses; one with a name
    raises ContainerGoneError when there is no such container.
    """

    def __init__(
        self,
        project: str,
        call_timeout_s: float = CALL_TIMEOUT_S,
        poll_s: float = POLL_S,
        name: docker_answers.Name = docker_answers.container_name,
        address: str | None = None,
    ) -> None:
        self._address = address
        self._name = name
        self._call_timeout_s = call_timeout_s
        self._poll_s = poll_s
        self._project = project
        self._connected: docker.DockerClient | None = None
        self._ids: dict[str, str] = {}

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files and ports."""
        if self._address is not None:
            # A socket here may lead to an engine elsewhere.
            return False
        return str(self._settings.get("base_url", "")).startswith(("unix:", "npipe:", "http+unix:"))

    def version(self) -> dict[str, Any]:
        """Return the answer to `GET /version`."""
        with translated_errors():
            return dict(self._client.version())

    def info(self) -> dict[str, Any]:
        """Return the answer to `GET /info`."""
        with translated_errors():
            return dict(self._client.info())

    # -- containers ----------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        """Return all containers of the project in any state, in one call."""
        listed = [docker_answers.container(one, self._name) for one in self.summaries()]
        found = sorted(listed, key=docker_answers.sort_key)
        self._ids = {one.name: one.id for one in reversed(found)}
        return found

    def call(self, name: str, call: Callable[[docker.APIClient, str], R]) -> R:
        """Return `call(api, id)` for the container of that name."""
        with translated_errors(name):
            known = self._ids.get(name)
            if known is not None:
                # To list all containers for the id of one takes longer than most calls.
                with suppress(NotFound):
                    return call(self._client.api, known)
            # It was not seen yet, or is gone: another one may have its name.
            return call(self._client.api, self._id(name))

    def inspect(self, name: str) -> dict[str, Any]:
        """Return a container's details (`GET /containers/{id}/json`)."""
        return self.call(name, lambda api, found: dict(api.inspect_container(found)))

    def stats(self, one: Container) -> dict[str, Any]:
        """Return one answer of `GET /containers/{id}/stats`; empty when the container is gone."""
        with translated_errors(one.name):
            try:
                return dict(self._client.api.stats(one.id, stream=False, one_shot=True))
            except NotFound:
                return {}

    def log(self, name: str, tail: int | Literal["all"]) -> bytes:
        """Return the last lines of a container's log, each after its time."""
        return self.call(name, lambda api, found: bytes(api.logs(found, timestamps=True, tail=tail)))

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        """Yield a container's log up to now in pieces, each line after its time."""
        with translated_errors(name):
            api = self._client.api
            yield from api.logs(self._id(name), stream=True, follow=False, timestamps=True)

    def last_lines(self, container_id: str, since_s: float | None, most: int) -> list[str]:
        """Return the last lines of a container's log from a wall time on, by default of all of it."""
        with translated_errors(container_id[:12]):
            # The SDK takes a float, and its types name whole seconds alone.
            since: Any = since_s
            found = self._client.api.logs(container_id, tail=most, since=since)
            return bytes(found).decode(errors="replace").splitlines()[-most:]

    def log_since(self, container_id: str, since_s: float | None, most_bytes: int) -> bytes:
        """Return a container's log, each line after its time, from a wall time on; by default all of it.

        Raises EngineError beyond `most_bytes`.
        """
        with translated_errors(container_id[:12]):
            # The SDK takes a float, and its types name whole seconds alone.
            since: Any = since_s
            api = self._client.api
            pieces = api.logs(container_id, stream=True, follow=False, timestamps=True, since=since)
            packed = bytearray()
            for piece in pieces:
                packed += piece
                if len(packed) > most_bytes:
                    raise EngineError(f"The log of {container_id[:12]} has more than {most_bytes} bytes.")
            return bytes(packed)

    def runs_in(self, container_id: str, argv: Sequence[str]) -> bool:
        """Return whether a command that was executed in a container still runs there."""
        details = self.inspect_id(container_id)
        for one in (details or {}).get("ExecIDs") or ():
            with translated_errors():
                try:
                    found = self._client.api.exec_inspect(one)
                except NotFound:
                    continue
            config = found["ProcessConfig"]
            if found["Running"] and [config["entrypoint"], *(config["arguments"] or ())] == list(argv):
                return True
        return False

    def usage(self, container_id: str, name: str) -> ResourceReading | None:
        """Return memory and CPU time of a container; None when it is gone, or has just ended."""
        with translated_errors(name):
            try:
                found = self._client.api.stats(container_id, stream=False, one_shot=True)
            except NotFound:
                return None
            return docker_answers.resource_reading(name, dict(found))

    def follow(self, name: str, tail: int) -> Iterator[bytes]:
        """Yield the last lines of a container's log, then each new piece, until the container ends."""
        with translated_errors(name):
            api = docker.APIClient(**self._settings, timeout=FOLLOW_TIMEOUT_S, use_ssh_client=True)
            yield from api.logs(self._id(name), stream=True, follow=True, timestamps=True, tail=tail)

    def events(self, since_wall_s: int | None) -> DockerEvents:
        """Open a stream of events of containers and networks of all projects, from a wall time on."""
        with translated_errors():
            api = docker.APIClient(**self._settings, timeout=FOLLOW_TIMEOUT_S, use_ssh_client=True)
            return DockerEvents(api.events(since=since_wall_s, decode=True, filters=_CHANGES))

    def inspect_id(self, container_id: str) -> dict[str, Any] | None:
        """Return a container's details by its id; None when it is gone."""
        with translated_errors():
            try:
                return dict(self._client.api.inspect_container(container_id))
            except NotFound:
                return None

    def restarts(self, container_id: str) -> int:
        """Return how often the engine restarted a container; 0 for one that is gone."""
        details = self.inspect_id(container_id)
        return 0 if details is None else int(details["RestartCount"])

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summaries of the project's containers (`GET /containers/json`)."""
        with translated_errors():
            return list(self._client.api.containers(all=True, filters=self._label))

    def archive(self, name: str, path: str, most_bytes: int) -> bytes:
        """Return a tar archive of a file or folder inside a container.

        Raises EngineError beyond `most_bytes`, and NoFileError where nothing is at the path.
        """

        def fetched(api: docker.APIClient, found: str) -> bytes:
            packed = bytearray()
            try:
                pieces = api.get_archive(found, path)[0]
            except NotFound as error:
                if _NO_CONTAINER in str(error.explanation):
                    raise
                raise NoFileError(f"{name} has no file {path}.") from None
            for piece in pieces:
                packed += piece
                if len(packed) > most_bytes:
                    raise EngineError(f"{path} of {name} holds more than {most_bytes} bytes.")
            return bytes(packed)

        return self.call(name, fetched)

    def create(self, name: str, body: dict[str, Any]) -> None:
        """Create a container; `body` is that of `POST /containers/create`."""
        with translated_errors(name):
            # The SDK does not type this call.
            create: Callable[..., Any] = self._client.api.create_container_from_config
            create(body, name)

    def limit(self, name: str, cpu_quota_us: int, memory_bytes: int) -> None:
        """Set limits of processor time in each 100 ms (-1: none) and memory; 0 leaves one unchanged."""
        self.call(
            name,
            lambda api, found: api.update_container(
                found,
                cpu_period=docker_answers.CPU_PERIOD_US,
                cpu_quota=cpu_quota_us,
                mem_limit=memory_bytes,
                memswap_limit=memory_bytes,
            ),
        )

    def start(self, name: str) -> None:
        """Start a container. Raises AddressInUseError when another container has its address."""
        self.call(name, lambda api, found: api.start(found))

    def connect(self, name: str, attachment: NetworkAttachment) -> None:
        """Connect a container to a network. Raises AddressInUseError when another has that address."""
        self.call(
            name,
            lambda api, found: api.connect_container_to_network(
                found,
                attachment.network,
                ipv4_address=attachment.address or None,
                aliases=attachment.aliases,
            ),
        )

    def disconnect(self, name: str, attachment: NetworkAttachment) -> None:
        """Disconnect a container from a network."""
        self.call(
            name,
            lambda api, found: api.disconnect_container_from_network(found, attachment.network, force=True),
        )

    def remove(self, one: Container) -> None:
        """Remove a container in any state, with its unnamed volumes. One that is gone is no error."""
        with translated_errors(one.name):
            try:
                self._client.api.remove_container(one.id, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                if _IN_PROGRESS not in str(error.explanation) or not self._wait_until_removed(one.id):
                    raise

    def _wait_until_removed(self, container_id: str) -> bool:
        """Return whether another caller's removal of a container ends within the time of a call."""
        deadline = time.monotonic() + self._call_timeout_s
        while self.inspect_id(container_id) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(self._poll_s)
        return True

    # -- images, networks, volumes -------------------------------------------------------------------------

    def image_id(self, name: str) -> str | None:
        """Return the id of an image, or None where there is none of that name."""
        with translated_errors():
            try:
                return str(self._client.images.get(name).id)
            except ImageNotFound:
                return None

    def exposed_ports(self, image: str) -> list[int]:
        """Return the TCP ports that a local image declares, in order."""
        with translated_errors():
            return docker_answers.exposed_ports(self._client.images.get(image).attrs)

    def tag(self, name: str, repository: str, tag: str) -> None:
        """Add a name to an image."""
        with translated_errors():
            self._client.images.get(name).tag(repository, tag)

    def keep_newest(self, repository: str, count: int) -> None:
        """Remove all but the newest `count` images of a repository that no container uses.

        Images tagged in the last KEPT_S remain: another checkout may be about to create containers from them.
        """
        since = f"{datetime.now(UTC) - timedelta(seconds=KEPT_S):%Y-%m-%dT%H:%M:%S}"
        with translated_errors():
            found = self._client.images.list(repository)
            found.sort(key=lambda one: str(one.attrs["Created"]), reverse=True)
            old = [one for one in found[count:] if _last_tagged(one.attrs) < since]
            for name in [tag for image in old for tag in image.tags]:
                try:
                    self._client.images.remove(name)
                except APIError as error:
                    _log.debug("kept %s: %s", name, error.explanation)

    def all_networks(self) -> list[dict[str, Any]]:
        """Return the networks of all projects."""
        with translated_errors():
            return list(self._client.api.networks())

    def create_network(self, name: str, subnet: str = "", **settings: Any) -> None:
        """Create a network of the project, unless it has one of that name; `settings` as in the SDK."""
        own = f"{self._project}_{name}"
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]) if subnet else None
        with translated_errors():
            if not any(one.name == own for one in self._client.networks.list(names=[own])):
                self._client.networks.create(own, labels={PROJECT: self._project}, ipam=ipam, **settings)

    def create_volume(self, name: str) -> None:
        """Create a volume of the project, unless it has one of that name."""
        with translated_errors():
            self._client.volumes.create(f"{self._project}_{name}", labels={PROJECT: self._project})

    def output_of(self, name: str, body: dict[str, Any], within_s: int) -> bytes:
        """Run a container to its end, remove it, and return what it printed. Raises EngineError."""
        with translated_errors(name):
            api = self._client.api
            create: Callable[..., Any] = api.create_container_from_config
            found = create(body, name)["Id"]
            try:
                api.start(found)
                api.wait(found, timeout=within_s)
                return bytes(api.logs(found))
            finally:
                api.remove_container(found, v=True, force=True)

    def attached_stream(self, name: str) -> Any:
        """Return a socket that is the input and output of a running container."""
        wanted = {"stdin": 1, "stdout": 1, "stream": 1}
        return self.call(name, lambda api, found: api.attach_socket(found, params=wanted))

    def network(self, name: str) -> dict[str, Any]:
        """Return the details of a network of the project."""
        with translated_errors():
            return dict(self._client.api.inspect_network(f"{self._project}_{name}"))

    def remove_networks_and_volumes(self) -> list[str]:
        """Remove the project's networks and volumes. Returns the names of those that remain."""
        with translated_errors():
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
            with translated_errors():
                self._connected = docker.DockerClient(
                    **self._settings,
                    timeout=math.ceil(self._call_timeout_s),
                    max_pool_size=CONNECTIONS,
                    use_ssh_client=True,
                )
        return self._connected

    @property
    def _settings(self) -> dict[str, Any]:
        return _connection_settings() if self._address is None else {"base_url": self._address}

    @property
    def _label(self) -> dict[str, str]:
        return {"label": f"{PROJECT}={self._project}"}

    def _id(self, name: str) -> str:
        for one in self.containers():
            if one.name == name:
                return one.id
        raise ContainerGoneError(
            f"There is no container {name} in the lab {self._project!r}.", "See: python lab.py status"
        )


def _last_tagged(image: Mapping[str, Any]) -> str:
    """Return when an image was created or last tagged, in UTC: such texts sort as their times do."""
    tagged = (image.get("Metadata") or {}).get("LastTagTime") or ""
    return max(str(image["Created"]), str(tagged))


def _connection_settings() -> dict[str, Any]:
    """Return the engine that the docker command uses: DOCKER_HOST, else the current context's."""
    if os.environ.get("DOCKER_HOST"):
        return {**kwargs_from_env()}
    context = ContextAPI.get_current_context()
    return {"base_url": context.Host, "tls": context.TLSConfig or False}


@contextmanager
def translated_errors(name: str = "") -> Iterator[None]:
    """Raise EngineError or a kind of it for an error of the SDK; `name` is the call's container, if any."""
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
