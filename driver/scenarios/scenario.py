"""A scenario: the model of a YAML file in scenarios/. Each file has one claim, in its first comment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from chaos.anchor import AnchorEntry
from chaos.model import Strict
from chaos.unit_types import Seconds
from chaos.units import format_seconds, parse_seconds, unitless

MAX_DURATION_S = 7 * 24 * 3600.0

Range = tuple[float, float]


def _range(value: object) -> Range:
    """Return the range of `10s`, or of `5s..30s` for a time drawn between the two. Raises ValueError."""
    first, dots, last = value.partition("..") if isinstance(value, str) else (value, "", "")
    begin = parse_seconds(first)
    end = parse_seconds(last) if dots else begin
    if end < begin:
        raise ValueError(f"expected a range like 5s..30s, the smaller first; found {value!r}")
    return begin, end


def _write_range(value: Range) -> str:
    begin, end = value
    return format_seconds(begin) if begin == end else f"{format_seconds(begin)}..{format_seconds(end)}"


SecondsRange = Annotated[
    Range,
    BeforeValidator(_range),
    PlainSerializer(_write_range, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["10s", "5s..30s"]}),
]


class EntrySchedule(Strict):
    """When an entry of the timeline begins, how often it repeats, and after which entry."""

    id: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$", description="its name; `after` of others refers to it"
        ),
    ] = ""
    at_s: Annotated[SecondsRange, Field(description="when it begins; a range is drawn by the seed")] = (
        0.0,
        0.0,
    )
    after: Annotated[
        str, Field(description="what `at` counts from: start, steady, or the end of another entry")
    ] = "start"
    every_s: Annotated[
        Seconds | None, Field(gt=0, description="begins again at this interval, as often as fits")
    ] = None
    repeat: Annotated[int | None, Field(ge=1, le=100_000, description="how many times, with `every`")] = None


class FaultEntry(EntrySchedule):
    """One fault in the timeline; the fault's own parameters are beside these keys."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=unitless)

    fault: Annotated[str, Field(description="the fault's name")]
    targets: Annotated[
        Any,
        Field(
            description="its targets: all, 30%, random 3, first 3, 3,7-9, a group, coordinator, toxiproxy, "
            "or a partition like [[1-5], [6-10]]; of a `system:` api->db, 30% of api->db, outside->web, db"
        ),
    ]
    for_s: Annotated[SecondsRange | None, Field(description="how long; a range is drawn by the seed")] = None
    rolling_s: Annotated[
        Seconds | None,
        Field(description="one target after another, with this time from one's end to the next's begin"),
    ] = None
    batch: Annotated[int, Field(ge=1, description="with `rolling`: how many at a time")] = 1
    allow_empty: Annotated[bool, Field(description="whether it may have no targets")] = False
    when: Annotated[
        AnchorEntry | None,
        Field(
            description="the byte, frame, text, answer or connection on a link at which it begins; "
            "`at` is then when the door begins to count"
        ),
    ] = None


class SequenceEntry(EntrySchedule):
    """Entries one after another: each `at` counts from the end of the one before."""

    sequence: Annotated[list[dict[str, Any]], Field(min_length=1, description="the entries, in order")]


class ParallelEntry(EntrySchedule):
    """Entries in parallel: each `at` counts from this entry's begin."""

    parallel: Annotated[list[dict[str, Any]], Field(min_length=1, description="the entries")]


class KnownIssue(Strict):
    """A finding that is known to fail, and why: the verdict is then an expected failure."""

    check: Annotated[str, Field(description="the finding's name, as in the report")]
    because: Annotated[str, Field(min_length=10, description="why it fails today, and what would fix it")]


class AnyScenario(Strict):
    """What a scenario of any system says, before targets and times are fixed."""

    duration_s: Annotated[Seconds, Field(ge=1, le=MAX_DURATION_S, description="how long the load lasts")]
    warmup_s: Annotated[
        Seconds,
        Field(ge=0, le=600, description="load before any fault: the steady state that `after: steady` means"),
    ] = 5.0
    cooldown_s: Annotated[
        Seconds, Field(ge=0, le=600, description="load after the last fault: all faults end before it")
    ] = 0.0
    converge_s: Annotated[
        Seconds, Field(ge=1, le=3600, description="how long the system may take to converge after the heal")
    ] = 60.0
    groups: Annotated[dict[str, Any], Field(description="named selections of targets, for `targets`")] = {}
    timeline: Annotated[list[dict[str, Any]], Field(description="faults, and when")] = []
    expect: Annotated[
        list[str | dict[str, Any]],
        Field(description="thresholds like `reconnection_time_p99 <= 5s`, anchored ones, names of checks"),
    ] = []
    checks: Annotated[
        list[str | dict[str, Any]], Field(description="checks by name, beside those that every run has")
    ] = []
    controls: Annotated[
        bool, Field(description="whether each finding that passes is shown to fail on a changed history")
    ] = False
    abort_when: Annotated[
        list[str], Field(description="what ends the run early, like `connected < 10% for 60s`")
    ] = []
    matrix: Annotated[
        dict[str, list[Any]],
        Field(description="variables with several values: one run for each combination"),
    ] = {}
    repeat: Annotated[int, Field(ge=1, le=1000, description="how many runs, each with the next seed")] = 1
    known_issues: Annotated[list[KnownIssue], Field(description="findings that are known to fail")] = []
    vars: Annotated[
        dict[str, Any], Field(description="values for ${name} anywhere; `--var name=value` overrides them")
    ] = {}
    quick: Annotated[dict[str, Any], Field(description="what `--quick` changes")] = {}

    @property
    def clients(self) -> int:
        """How many clients the reference system has; 0 of a system of one's own."""
        return 0

    def measured_s(self, last_fault_s: float) -> float | None:
        """Return until when work is measured, at the end of which the load may end early; None: all of it.

        `last_fault_s` is when the last fault ends.
        """
        return None

    def excess(self) -> str:
        """Return why its workload is too large for a run, as a sentence; "" where it is not."""
        return ""


class SystemStart(Strict):
    """How a foreign system is started from its Compose file; a text is the file alone."""

    file: Annotated[
        str, Field(min_length=1, description="its Compose file, or a stormlab.yaml, relative to the scenario")
    ]
    files: Annotated[list[str], Field(description="further Compose files, as `docker compose -f` takes")] = []
    profiles: Annotated[list[str], Field(description="profiles whose services start too")] = []
    listens: Annotated[
        dict[str, list[Annotated[int, Field(ge=1, le=65_535)]]],
        Field(description="TCP ports that neither the file nor an image names, by service"),
    ] = {}
    egress: Annotated[list[str], Field(description="services that keep their way to the internet")] = []
    bypass: Annotated[list[str], Field(description="services whose traffic may go around doors")] = []


def _start(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


class SystemScenario(AnyScenario):
    """A scenario of a foreign system, which is started from its Compose file."""

    system: Annotated[
        SystemStart,
        BeforeValidator(_start),
        Field(description="the system's Compose file, or a mapping that says how it is started"),
    ]
    workload: Annotated[
        dict[str, Any] | None, Field(description="what calls the system: one load, or a name for each")
    ] = None
    observe: Annotated[
        dict[str, Any], Field(description="what is read of the system, by name: http, sql, redis, command, …")
    ] = {}
    settle_s: Annotated[
        Seconds | None,
        Field(
            gt=0,
            description="takes the last readings once every expectation is decided and no observed row has "
            "changed for this long, before `converge` is over",
        ),
    ] = None
