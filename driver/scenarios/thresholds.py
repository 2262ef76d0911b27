"""Expectations of a scenario, parsed from its `expect`:

reconnection_time_p99 <= 5s                      a threshold on a metric
within 15s of heal: connected >= 95% for 10s     a threshold to be met in time, and held
within 20s of heal: queue == 0 for 5s            the same of an observation that is a number
queue_max <= 100                                 a threshold on the readings of an observation
nothing_lost                                     a named check
no_starvation: {picks: 60}                       a check with a parameter (a mapping in YAML)
every acknowledged orders.key in stored.id       a claim about operations and readings (driver/claims/)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chaos.explain import did_you_mean
from driver.checks import CHECKS
from driver.claims import CLAIMS, Claim, Names, parse_claim, reading_threshold
from driver.claims.reading_threshold import LAST, STATISTICS
from driver.metrics import METRICS, SYSTEM_METRICS
from driver.metrics.metric import Metric, Unit
from driver.metrics.quantities import parse_quantity, parse_seconds, unit_of_quantity
from driver.metrics.signals import SIGNALS, Signal, signal_of_readings

_SUFFIXES = ("", *(f"_{unit.value}" for unit in Unit))
ANCHORS = {
    "start": "the end of the steady-state gate",
    "fault": "every fault's begin",
    "heal": "every instant from which no fault is on",
}
MAX_CHARACTERS = 300
_COMPARISON = re.compile(r"(?P<name>[\w.-]+)\s*(?P<operator><=|>=|==|<|>)\s*(?P<quantity>.+)")
_ANCHORED = re.compile(
    r"within\s+(?P<within>.+?)\s+of\s+(?P<anchor>\w+)\s*:\s*(?P<claim>.+?)(?:\s+for\s+(?P<hold>.+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Threshold:
    """`metric operator value`, the value in the metric's own unit."""

    text: str
    metric: Metric
    operator: str
    value: float


@dataclass(frozen=True)
class AnchoredThreshold:
    """`signal operator value`, met at most `within_s` after each anchor, and held for `hold_s`."""

    text: str
    signal: Signal
    operator: str
    value: float
    anchor: str
    within_s: float
    hold_s: float


@dataclass(frozen=True)
class NamedCheck:
    """A check of the catalogue, with the parameters that the scenario sets."""

    text: str
    params: Mapping[str, float] = field(default_factory=dict)


Expectation = Threshold | AnchoredThreshold | NamedCheck | Claim


def parse_expectation(text: str, names: Names | None = None, *, on_system: bool = False) -> Expectation:
    """Return the expectation in one line of `expect`. Raises ValueError with the nearest names.

    `names` are those of the scenario, which a claim may name; None where a stored run is judged. `on_system`:
    it is of a foreign system.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters; found {len(text)}")
    stripped = " ".join(text.split())
    if match := _ANCHORED.fullmatch(stripped):
        return _anchored(stripped, match, names, on_system)
    if match := _COMPARISON.fullmatch(stripped):
        return _threshold(stripped, match, names, on_system)
    if re.fullmatch(r"\w+", stripped):
        return named_check(stripped, {}, on_system=on_system)
    if claim := parse_claim(stripped, names):
        return claim
    example = next(iter(CLAIMS.values())).example
    raise ValueError(
        f"expected a threshold like 'task_success_rate >= 95%', an anchored one like 'within 15s of heal: "
        f"connected >= 95% for 10s', the name of a check, or a claim like {example!r}; found {stripped!r}"
    )


def named_check(name: str, params: Mapping[str, object], *, on_system: bool = False) -> NamedCheck:
    """Return a check with the scenario's parameters. Raises ValueError with a sentence."""
    every = [one for one in CHECKS if not on_system or CHECKS[one].on_system is not None]
    if name not in CHECKS:
        raise ValueError(f"{name!r} is no check{_nearest(name, [*every, *METRICS])}")
    if name not in every:
        raise ValueError(
            f"{name} judges the reference system, not one of your own. Checks of any system: "
            f"{', '.join(every)}"
        )
    known = {key: param for key, param in CHECKS[name].params.items() if not on_system or param.on_system}
    numbers: dict[str, float] = {}
    for key, value in params.items():
        if key not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise ValueError(f"{key!r} is no parameter of {name}: {takes}{_nearest(key, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name}.{key} must be a number; found {value!r}")
        if value < known[key].least:
            raise ValueError(f"{name}.{key} must be {known[key].least:g} or more; found {value:g}")
        numbers[key] = float(value)
    if "required" in known:
        numbers.setdefault("required", 1.0)
    return NamedCheck(name, numbers)


def parse_expectations(
    entries: Iterable[object], names: Names | None = None, *, on_system: bool = False
) -> list[Expectation]:
    """Return all of `expect`: texts, and mappings of a check to parameters. Raises ValueError.

    `names` are those of the scenario, which a claim may name; None where a stored run is judged. `on_system`:
    it is of a foreign system.
    """
    parsed: list[Expectation] = []
    for entry in entries:
        if isinstance(entry, str):
            parsed.append(parse_expectation(entry, names, on_system=on_system))
        elif isinstance(entry, Mapping) and len(entry) == 1:
            name, params = next(iter(entry.items()))
            if " " in str(name) or isinstance(params, str):
                # YAML reads the colon of an anchored threshold, or of a claim, as that of a mapping.
                line = f"'{name}: {params}'"
                raise ValueError(f"quote this line, since its colon makes a mapping of it: {line}")
            if not isinstance(params, Mapping):
                raise ValueError(
                    f"{name} must be followed by its numbers, like {{picks: 60}}; found {params!r}"
                )
            numbers = {str(key): value for key, value in params.items()}
            parsed.append(named_check(str(name), numbers, on_system=on_system))
        else:
            raise ValueError(f"expected a text, or one check's name with its numbers; found {entry!r}")
    return parsed


def _threshold(text: str, match: re.Match[str], names: Names | None, on_system: bool) -> Threshold | Claim:
    if on_system and not _is_metric(match["name"]):
        claim = reading_threshold(text, match["name"], match["operator"], match["quantity"], names)
        if claim is not None:
            return claim
    metric, named = _metric(match["name"], SYSTEM_METRICS if on_system else METRICS)
    value = parse_quantity(match["quantity"]).to(metric.unit, named=named)
    _possible(metric.name, metric.unit, match["operator"], value)
    return Threshold(text, metric, match["operator"], value)


def _anchored(text: str, match: re.Match[str], names: Names | None, on_system: bool) -> AnchoredThreshold:
    anchor = match["anchor"].lower()
    if anchor not in ANCHORS:
        raise ValueError(
            f"{match['anchor']!r} is no anchor; expected {', '.join(ANCHORS)}{_nearest(anchor, ANCHORS)}"
        )
    claim = _COMPARISON.fullmatch(match["claim"])
    if claim is None:
        raise ValueError(f"expected a comparison like 'connected >= 95%'; found {match['claim']!r}")
    signal, value = _signal_bound(claim["name"], claim["operator"], claim["quantity"], names, on_system)
    return AnchoredThreshold(
        text=text,
        signal=signal,
        operator=claim["operator"],
        value=value,
        anchor=anchor,
        within_s=parse_seconds(match["within"]),
        hold_s=parse_seconds(match["hold"]) if match["hold"] else 0.0,
    )


def _signal_bound(
    name: str, sign: str, quantity: str, names: Names | None, on_system: bool
) -> tuple[Signal, float]:
    """Return a signal, or an observation as one, and the value that it is compared with, in its unit."""
    known = {key: one for key, one in SIGNALS.items() if not on_system or one.on_system}
    if signal := known.get(name):
        value = parse_quantity(quantity).to(signal.unit)
        _possible(signal.name, signal.unit, sign, value)
        return signal, value
    observed = (names.observations if names else {name: None}) if on_system else {}
    if name not in observed:
        every = [*observed, *known]
        what = "no observation of this scenario and no signal" if observed else "no signal over time"
        raise ValueError(f"{name!r} is {what}; expected {', '.join(every)}{_nearest(name, every)}")
    if observed[name]:
        raise ValueError(f"{name} is a table: a comparison needs an observation that is one number")
    number = parse_quantity(quantity)
    unit = unit_of_quantity(number)
    return signal_of_readings(name, unit), number.to(unit)


def also_named(observation: str) -> str:
    """Return the signal or metric of any system whose name an observation has, or one of its statistics has;
    "" without one. A sentence with that name would be about the other.
    """
    if observation in SIGNALS:
        return observation
    statistics = (f"{observation}_{one}" for one in (*STATISTICS, LAST))
    names = (f"{name}{unit}" for name in (observation, *statistics) for unit in _SUFFIXES)
    return next((name for name in names if name in SYSTEM_METRICS), "")


def _is_metric(name: str) -> bool:
    return name in METRICS or any(f"{name}_{unit.value}" in METRICS for unit in Unit)


def _metric(name: str, known: Mapping[str, Metric]) -> tuple[Metric, bool]:
    """Return the metric, and whether its name ends with its unit; `x_p99` names `x_p99_s` too."""
    if name in known:
        metric = known[name]
        return metric, name.endswith(f"_{metric.unit.value}")
    for unit in Unit:
        if (longer := f"{name}_{unit.value}") in known:
            return known[longer], False
        if longer in METRICS:
            name = longer
    if name in METRICS:
        raise ValueError(f"{name} is measured of the reference system, not of one of your own")
    raise ValueError(f"{name!r} is no metric{_nearest(name, known)}")


def _possible(name: str, unit: Unit, sign: str, value: float) -> None:
    if value < 0:
        raise ValueError(f"{name} is never below zero; found {value:g}")
    if unit is Unit.ratio and value > 1:
        raise ValueError(f"{name} is a share and never above 100 %; found {value * 100:g} %")
    if sign == "<" and value == 0:
        raise ValueError(f"{name} is never below zero: '< 0' always fails; '== 0' may be meant")
    if sign == ">" and unit is Unit.ratio and value == 1:
        raise ValueError(f"{name} is never above 100 %: '> 100%' always fails; '>= 100%' may be meant")


def _nearest(name: str, names: Iterable[str]) -> str:
    near = did_you_mean(name, names)
    return f". {near}" if near else ""
