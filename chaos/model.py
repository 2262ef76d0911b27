"""A mapping in a file as a model: the base of scenarios, their parts, and faults."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from chaos.explain import shown
from chaos.units import unitless


class Strict(BaseModel):
    """A mapping without unknown keys. Units are part of the values, so that field names lose theirs in files.

    A boolean is not a number here: Python would read `workers: true` as 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=unitless)

    @field_validator("*", mode="before")
    @classmethod
    def _number_is_no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name in cls.model_fields:
            annotation = cls.model_fields[info.field_name].annotation
            kinds = {annotation, *get_args(annotation)}
            if kinds & {int, float} and bool not in kinds:
                raise ValueError(f"a number is expected, found {shown(value)}")
        return value
