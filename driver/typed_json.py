"""Decodes JSON into a type, from any thread."""

from __future__ import annotations

import threading
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")
_first_use = threading.Lock()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode_json(data: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """Return a JSON text as an instance of `kind`, of which there are few. Raises wire.errors.DECODE_ERRORS.

    msgspec works out a Struct's fields at its first use, and a second thread that uses it meanwhile ends the
    process (SIGSEGV). So one thread alone makes the decoder of a type.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        with _first_use:
            decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return cast(T, decoder.decode(data))
