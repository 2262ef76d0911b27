"""A query to a Prometheus server, or a sample of a service's own metrics page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlencode

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import BeforeValidator, Field, model_validator

from chaos.explain import did_you_mean
from driver.observations.address import ServiceUrl, Target, parse_url
from driver.observations.http import ANY, fetch
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, Value
from driver.observations.values import number, shown, table
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

PORTS = {"http": 9090}
EXAMPLE = "http://prometheus:9090"
MOST_SAMPLES = 100_000
_OK = 200


def _checked(value: object) -> object:
    parse_url(value, PORTS, EXAMPLE)
    return value


class PrometheusObservation(SystemObservation):
    """One query, or one sample."""

    name: ClassVar = "prometheus"
    summary: ClassVar = "a query to a Prometheus server, or a sample of a service's own metrics page"
    result: ClassVar = (
        "a number: the one value of the query, or the sum of the samples that have these labels; a query "
        "with several values is a table with their labels and `value`"
    )
    example: ClassVar = 'prometheus: "http://web:8000/metrics", sample: requests_total, labels: {code: "500"}'
    rank: ClassVar = 600

    prometheus: Annotated[
        str,
        BeforeValidator(_checked),
        Field(description="the URL of a Prometheus server, or with `sample` of a service's metrics page"),
    ]
    query: Annotated[str, Field(max_length=10_000, description="a query to a Prometheus server")] = ""
    sample: Annotated[str, Field(max_length=500, description="the name of a sample of a metrics page")] = ""
    labels: Annotated[
        dict[str, str], Field(description="labels that the samples have, with their values")
    ] = {}
    replica: Annotated[int, Field(ge=1, description="the service's replica")] = 1

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.query) == bool(self.sample):
            raise ValueError("expected either query (of a Prometheus server) or sample (of a metrics page)")
        return self

    @property
    def tried(self) -> str:
        return f"{self._url.written} {shown(self.query or self.sample)}"

    @property
    def _url(self) -> ServiceUrl:
        return parse_url(self.prometheus, PORTS, EXAMPLE)

    @property
    def targets(self) -> Mapping[str, Target]:
        return {self.name: Target(self._url.service, self.replica)}

    def reader(self, context: ReadingContext) -> Reader:
        url = self._url
        path = (
            f"{url.path.rstrip('/')}/api/v1/query?{urlencode({'query': self.query})}"
            if self.query
            else url.path
        )

        def read() -> Value:
            host, port = url.host_and_port(context.access, self.replica)
            target, headers = (
                f"http://{host}:{port}{path or '/metrics'}",
                {"Host": f"{url.service}:{url.port}"},
            )
            status, body = asyncio.run(fetch("GET", target, headers, self.timeout_s))
            if self.query:
                return query_value(status, body)
            if status != _OK:
                raise ReadingError(f"it answered {status}: {shown(body[:400].decode(errors='replace'))}")
            return sample_value(body.decode(errors="backslashreplace"), self.sample, self.labels)

        return read


def query_value(status: int, body: bytes) -> Value:
    """Return the answer to a query (GET /api/v1/query). Raises ReadingError."""
    try:
        answer: Any = decode_json(body, ANY)
        if answer["status"] != "success":
            raise ReadingError(f"it answered {status}: {shown(answer.get('error', ''))}")
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "scalar":
            return number(result[1])
        if kind != "vector":
            raise ReadingError(
                f"expected a query that answers a number or a vector; it answered a {shown(kind)}"
            )
        if len(result) == 1:
            return number(result[0]["value"][1])
        names = sorted({name for one in result for name in one["metric"]})
        rows = ([*(one["metric"].get(name) for name in names), number(one["value"][1])] for one in result)
        return table([*names, "value"], rows)
    except (*DECODE_ERRORS, KeyError, IndexError, TypeError, AttributeError):
        text = shown(body[:400].decode(errors="replace"))
        raise ReadingError(
            f"expected the answer of a Prometheus server; it answered {status}: {text}"
        ) from None


def sample_value(page: str, name: str, labels: dict[str, str]) -> float:
    """Return the sum of the samples of a metrics page that have a name and labels. Raises ReadingError."""
    known: dict[str, None] = {}
    found = []
    try:
        for one in _samples(page):
            known.setdefault(one.name)
            if one.name == name and labels.items() <= one.labels.items():
                found.append(number(one.value))
    except ValueError as error:
        raise ReadingError(f"expected a metrics page of Prometheus' text format: {shown(error)}") from None
    if not found:
        near = did_you_mean(name, known) if name not in known else "It has others with that name."
        raise ReadingError(f"its metrics page has no sample {shown(name)} with these labels. {near}".strip())
    return sum(found)


def _samples(page: str) -> Iterator[Sample]:
    count = 0
    for family in text_string_to_metric_families(page):
        for one in family.samples:
            count += 1
            if count > MOST_SAMPLES:
                raise ReadingError(f"its metrics page has more than {MOST_SAMPLES:,} samples")
            yield one
