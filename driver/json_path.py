"""A JSON path (RFC 9535) in a file, and the first value at which it points in an answer of a system."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from driver.typed_json import decode_json
from driver.visible import one_line
from wire.errors import DECODE_ERRORS

MOST_CHARACTERS = 200


class NoValueError(ValueError):
    """An answer is no JSON, or has no value at the path."""


def check_path(value: object, expected: str = "expected a JSON path like $.id") -> str:
    """Return a path that compiles. Raises ValueError, whose text begins with `expected`."""
    import jsonpath

    if not isinstance(value, str):
        raise ValueError(f"{expected}; found {value!r}")
    if len(value) <= MOST_CHARACTERS:
        try:
            jsonpath.compile(value)
        except jsonpath.JSONPathError as error:
            # The library's own words go on with a drawing of the path.
            reason = one_line(str(error).partition("\n")[0])
            raise ValueError(f"{expected}; found {value!r}: {reason}") from None
    return value


JsonPath = Annotated[str, BeforeValidator(check_path), Field(max_length=MOST_CHARACTERS)]


def first_value(path: str, answer: bytes) -> object:
    """Return the first value at a path. Raises NoValueError."""
    import jsonpath

    try:
        data: Any = decode_json(answer, object)
    except DECODE_ERRORS:
        raise NoValueError("the answer is no JSON") from None
    try:
        found = jsonpath.match(path, data)
    except (jsonpath.JSONPathError, RecursionError):
        found = None
    if found is None:
        raise NoValueError(f"the answer has no {path}")
    return found.value
