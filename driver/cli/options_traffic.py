"""Options for the traffic of a foreign system from outside."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import click

from chaos.units import parse_per_s
from driver.errors import UsageError
from driver.loads.templates import Subject, fill, key_source, known
from driver.scenarios.flag_values import parse_duration
from driver.systems.compose_config import TCP
from driver.systems.replicas import PublishedAddress
from driver.systems.resolve_compose import resolve
from driver.systems.system_request import SystemRequest
from driver.trial.command_traffic import CommandTraffic
from driver.trial.doors_subject import TrafficSource
from driver.trial.http_traffic import HttpTraffic, JsonBody, check_url, published_url

MOST_PER_S = 500.0
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def duration_of(flag: str) -> Callable[[click.Context, click.Parameter, str], float]:
    """Return a callback that reads the duration of a flag, which raises UsageError."""

    def read(_: click.Context, __: click.Parameter, text: str) -> float:
        seconds = parse_duration(flag, text)
        assert seconds is not None
        return seconds

    return read


def _rate(_: click.Context, __: click.Parameter, text: str) -> float:
    try:
        found = parse_per_s(text)
    except ValueError as error:
        raise UsageError(f"--rate: {error}.", "Example: --rate 20/s") from None
    if not 0 < found <= MOST_PER_S:
        raise UsageError(f"--rate takes more than 0/s and at most {MOST_PER_S:.0f}/s; found {text}.")
    return found


def _request(_: click.Context, __: click.Parameter, given: tuple[str, str] | None) -> tuple[str, str] | None:
    """Return --http as given; raise UsageError where its second word is the next option."""
    if given is not None and given[1].startswith("-"):
        raise UsageError(
            f"--http takes a METHOD and a URL; found {given[0]!r} and then {given[1]}.",
            "Example: --http GET http://api:8000/",
        )
    return given


traffic = click.option(
    "--traffic", metavar="COMMAND",
    help="Run this shell command on this host meanwhile; WEB_8000=127.0.0.1:49153 names a published port.",
)  # fmt: skip
http = click.option(
    "--http", nargs=2, metavar="METHOD URL", callback=_request,
    help="Send such a request meanwhile, from outside: --http GET http://api:8000/",
)  # fmt: skip
body = click.option(
    "--body", metavar="JSON",
    help="""With --http, this body: --body '{"item": "${key}"}'; ${key} differs for each request.""",
)  # fmt: skip
rate = click.option(
    "--rate", default="20/s", show_default=True, callback=_rate, metavar="N/s", help="How often, for --http."
)


def json_body(text: str) -> JsonBody:
    """Return the body that a text is, with its variables. Raises UsageError."""
    try:
        template = known(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--body takes JSON: {error}.", """Example: --body '{"item": "${key}"}'""") from None
    key = key_source(time.time_ns(), "try", 0, random.Random())
    return lambda number: fill(template, Subject(key(number), number))


def refuse_wrong_traffic(
    command: str | None, request: tuple[str, str] | None, text: str | None = None
) -> None:
    """Raise UsageError for traffic that cannot be sent."""
    if command and request:
        raise UsageError("--traffic and --http exclude each other.", "Give one of them.")
    given = click.get_current_context().get_parameter_source("rate")
    if not request and given is click.core.ParameterSource.COMMANDLINE:
        raise UsageError("--rate is that of --http.", "Add --http METHOD URL, or leave --rate out.")
    if text is not None:
        json_body(text)
        if not request:
            raise UsageError("--body is that of --http.", "Add --http METHOD URL, or leave --body out.")
    if request:
        if request[0].upper() not in METHODS:
            raise UsageError(f"--http takes one of {', '.join(METHODS)}; found {request[0]!r}.")
        check_url(request[1])


def refuse_unpublished(http: tuple[str, str] | None, request: SystemRequest) -> None:
    """Raise UsageError for requests to a port that the system does not publish; and as `resolve` does."""
    if http:
        config = resolve(request.files, request.profiles)
        every = [(name, port) for name, one in sorted(config.services.items()) for port in one.ports]
        published_url(
            http[1], [PublishedAddress(name, one.target, "") for name, one in every if one.protocol == TCP]
        )


def traffic_source(
    command: str | None,
    request: tuple[str, str] | None,
    text: str | None,
    per_s: float,
    log: Path,
    say: Callable[[str], None],
) -> TrafficSource | None:
    """Return what sends the traffic that the options ask for; None without them."""
    if request:
        return HttpTraffic(*request, per_s, None if text is None else json_body(text))
    return CommandTraffic(command, log, say) if command else None
