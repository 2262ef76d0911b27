"""The engine's stream of events ends in our own errors, or quietly where we closed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import urllib3

from driver.engines.docker_sdk import DockerEvents
from driver.errors import EngineGoneError

BREAKS = (
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.ConnectionError("cut"),
    urllib3.exceptions.ProtocolError("cut"),
    OSError("cut"),
    AttributeError("'NoneType' object has no attribute 'read'"),
)


class Stream:
    """One event, and then an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.is_closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield {"Action": "die"}
        raise self._error

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_stream_that_was_cut_is_an_engine_that_is_gone(error: Exception) -> None:
    events = iter(DockerEvents(Stream(error)))
    assert next(events) == {"Action": "die"}
    with pytest.raises(EngineGoneError):
        next(events)


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_stream_that_we_closed_ends_quietly(error: Exception) -> None:
    stream = Stream(error)
    events = DockerEvents(stream)
    reading = iter(events)
    next(reading)
    events.close()
    assert list(reading) == []
    assert stream.is_closed
