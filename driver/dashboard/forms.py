"""The fault catalogue as forms, and a filled form as targets and an `inject` command."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from chaos.catalogue import ALL, FaultError, choices, make, parameters
from chaos.fault import Fault
from chaos.units import unit_of
from driver.scenarios.flag_values import MAX_SEED
from driver.scenarios.yaml_file import FileError, scalar

_EXAMPLES = {"ms": "200ms", "s": "10s", "B": "64KB", "B/s": "1MB/s", "byte": "1e-4"}


class FormError(Exception):
    """A form that is no valid fault: the field (a parameter, `targets`, `for` or "") and the problem."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


@dataclass(frozen=True)
class FilledForm:
    """A valid form: its targets, the number of other clients, and the words of its command line."""

    hits: tuple[str, ...]
    spares: int
    seed: int
    words: list[str]

    @property
    def command(self) -> str:
        """The command line, quoted for a shell."""
        return shlex.join(["python", "lab.py", *self.words])


def catalogue() -> list[dict[str, Any]]:
    """Return every fault with its parameters."""
    return [
        {
            "name": kind.name,
            "plain_effect": kind.plain_effect,
            "summary": kind.summary,
            "visible_effect": kind.visible_effect,
            "layer": kind.layer.value,
            "lasting": kind.lasting,
            "example": kind.example,
            "params": [_field(name, about, kind) for name, about in parameters(kind).items()],
        }
        for kind in ALL
    ]


@dataclass(frozen=True)
class FaultForm:
    """A form whose fault and parameters are valid. `given` has the parameters as they were typed."""

    fault: str
    targets: str
    for_text: str
    params: dict[str, Any]
    given: dict[str, Any]
    seed: int
    made: Fault

    def words(self) -> list[str]:
        """Return the options of parameters, duration and seed of the command line."""
        words: list[str] = []
        for name, text in self.given.items():
            if text:
                words += [f"--{str(name).replace('_', '-')}", str(text)]
        if self.for_text and self.made.lasting:
            words += ["--for", self.for_text]
        return [*words, "--seed", str(self.seed)]


def read_form(form: dict[str, Any]) -> FaultForm:
    """Return the fault that a form describes; its targets and its duration may be wrong. Raises FormError."""
    fault, targets, for_text = (str(form.get(key) or "") for key in ("fault", "targets", "for"))
    given = form.get("params") or {}
    if not isinstance(given, dict):
        raise FormError("", "expected the parameters by their names")
    params = {str(name): _value(str(name), str(text)) for name, text in given.items() if text}
    seed = form.get("seed")
    seed = secrets.randbelow(MAX_SEED) if not isinstance(seed, int) else seed % (MAX_SEED + 1)
    try:
        made = make(fault, params)
    except FaultError as error:
        raise FormError(error.key.partition(".")[0], error.problem) from None
    return FaultForm(fault, targets, for_text, params, given, seed, made)


def _value(name: str, text: str) -> Any:
    try:
        return scalar(text)
    except FileError as error:
        raise FormError(name, error.problem) from None


def _field(name: str, about: str, kind: type[Fault]) -> dict[str, Any]:
    field, info = next((f, i) for f, i in kind.model_fields.items() if name in (i.alias, f))
    unit = unit_of(field)
    return {
        "name": name,
        "about": about,
        "unit": unit,
        "required": info.is_required(),
        "default": about.rpartition("(default ")[2].removesuffix(")") if "(default " in about else "",
        "limits": _limits(info, unit),
        "choices": choices(kind, name),
        "placeholder": _EXAMPLES.get(unit, ""),
    }


def _limits(info: FieldInfo, unit: str) -> str:
    """Return `from 100 B/s to 1e+09 B/s`, `above 0`; "" for a parameter without limits."""
    limits = []
    # A share of bytes is written as a number, and so are its limits.
    unit = unit.removeprefix("byte")
    for word, name in (("from", "ge"), ("above", "gt"), ("to", "le"), ("below", "lt")):
        for rule in info.metadata:
            if (limit := getattr(rule, name, None)) is not None:
                limits.append(f"{word} {limit:.12g} {unit}".rstrip())
    return " ".join(limits)
